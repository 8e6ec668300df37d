"""Complex embedding: a word is a wave, and its place in the sentence is where on the wave one reads.

    z(j, p)_c = a_jc e^(i (w_jc p + t_jc))         word j at position p: amplitude a, frequency w, first phase t
    y = [a cos(w p + t), a sin(w p + t)]           real part, then imaginary part: (..., T, 2C)

Adding a position vector treats word and place as two things with nothing in common.  Here each word says for itself how
it changes from place to place, and two demands leave no other form: a step by n is a map that does not depend on where
one starts, z(j, p + n) = z(j, p) e^(i w n), and nothing grows without bound, |z(j, p)| = a at every p.  A word with
w = 0 does not care about order.  Sinusoidal positions are the case a = 1 with frequencies that all words share
(ops/positions/positions.py); e^(i w n) is also what turns queries and keys in ops/positions/rotary.py.

Derivation.  Three look-ups in tables (V, C) (ops/basics/embedding.py), then, with A = w p + t and dy = [dre, dim],

    da = dre cos A + dim sin A          y is linear in a
    dA = a (dim cos A - dre sin A)      cos' = -sin, sin' = cos
    dw = p dA      dt = dA              A is linear in w, times the position, and in t

Source: Wang et al. 2020, "Encoding word order in complex embeddings", section 2.2, equation 7, and section 3.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward


class ComplexEmbeddingCache(NamedTuple):
    amplitude: EmbeddingCache
    frequency: EmbeddingCache
    phase: EmbeddingCache
    positions: Array
    amplitudes: Array
    cosines: Array
    sines: Array


class ComplexEmbeddingGrads(NamedTuple):
    damplitude: Array
    dfrequency: Array
    dphase: Array


@in_float32
def complex_embedding_forward(
    ids: Array, amplitude: Array, frequency: Array, phase: Array, start: int = 0
) -> tuple[Array, ComplexEmbeddingCache]:
    """ids: (..., T) integers, amplitude, frequency, phase: (V, C) -> y: (..., T, 2C), cache.

    start: the position of the first token.  Raises ValueError when the tables differ in shape; ids as in
    embedding_forward.
    """
    if not amplitude.shape == frequency.shape == phase.shape:
        raise ValueError(f"the tables are {amplitude.shape}, {frequency.shape} and {phase.shape}, not of one shape")
    xp = xp_of(amplitude)
    amplitudes, amplitude_cache = embedding_forward(ids, amplitude)
    frequencies, frequency_cache = embedding_forward(ids, frequency)
    phases, phase_cache = embedding_forward(ids, phase)
    positions = xp.arange(start, start + ids.shape[-1])[:, None].astype(amplitude.dtype)  # (T, 1)
    angles = frequencies * positions + phases
    cosines, sines = xp.cos(angles), xp.sin(angles)
    y = xp.concatenate((amplitudes * cosines, amplitudes * sines), axis=-1)
    caches = (amplitude_cache, frequency_cache, phase_cache)
    return y, ComplexEmbeddingCache(*caches, positions, amplitudes, cosines, sines)


@in_float32
def complex_embedding_backward(dy: Array, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    """dy: (..., T, 2C) -> the gradients of the three tables: (V, C) each."""
    amplitude, frequency, phase, positions, amplitudes, cosines, sines = cache
    width = amplitudes.shape[-1]
    dre, dim = dy[..., :width], dy[..., width:]
    damplitudes = dre * cosines + dim * sines  # y = [amplitudes cos, amplitudes sin]
    dangles = amplitudes * (dim * cosines - dre * sines)
    return ComplexEmbeddingGrads(
        embedding_backward(damplitudes, amplitude),
        embedding_backward(dangles * positions, frequency),  # angles = frequencies * positions + phases
        embedding_backward(dangles, phase),
    )

"""Attention of low rank, weights without queries and keys, and mixing without weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.fourier_mixing import FourierMixingCache, fourier_mixing_backward, fourier_mixing_forward
from tfx.efficient.iterative_inverse import (
    IterativeInverseCache,
    iterative_inverse_backward,
    iterative_inverse_forward,
)
from tfx.efficient.linformer import LinformerCache, LinformerGrads, linformer_backward, linformer_forward
from tfx.efficient.nystrom_attention import (
    NystromAttentionCache,
    nystrom_attention_backward,
    nystrom_attention_forward,
)
from tfx.efficient.synthesizer import (
    DenseSynthesizerCache,
    DenseSynthesizerGrads,
    RandomSynthesizerCache,
    dense_synthesizer_backward,
    dense_synthesizer_forward,
    random_synthesizer_backward,
    random_synthesizer_forward,
)
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.efficient_tiled import heads
from tfx.gradcheck.cases.sizes import B, C, D, F, H, Rng, S, T, off_zero
from tfx.ops.attention.masks import causal_mask, padding_mask

MIXED, LONGEST = 3, 9  # K, L > S
_PADDED = padding_mask([S, 4], S)


def linformer(rng: Rng, lead: tuple[int, ...] = (), shared: bool = False, **fixed: Any) -> Problem:
    inputs = heads(rng) | {"e": rng.standard_normal((*lead, MIXED, LONGEST))}
    if not shared:
        inputs["f"] = rng.standard_normal((*lead, MIXED, LONGEST))
    return Problem(linformer_forward, linformer_backward, inputs, fixed)


def iterative_inverse(rng: Rng, n_iterations: int, shape: tuple[int, ...] = (B, 4, 4)) -> Problem:
    a = rng.random(shape) + 2.0 * np.eye(shape[-2], shape[-1])
    return Problem(iterative_inverse_forward, iterative_inverse_backward, {"a": a}, {"n_iterations": n_iterations})


def nystrom_attention(rng: Rng, n_queries: int = T, n_keys: int = S, **fixed: Any) -> Problem:
    inputs = heads(rng, n_queries, n_keys)
    settings = {"n_landmarks": 3, "n_iterations": 3, **fixed}
    return Problem(nystrom_attention_forward, nystrom_attention_backward, inputs, settings)


def random_synthesizer(rng: Rng, lead: tuple[int, ...] = (H,), **fixed: Any) -> Problem:
    inputs = {"v": heads(rng)["v"], "scores": rng.standard_normal((*lead, LONGEST, LONGEST))}
    return Problem(random_synthesizer_forward, random_synthesizer_backward, inputs, fixed)


def dense_synthesizer(rng: Rng, lead: tuple[int, ...] = (), **fixed: Any) -> Problem:
    given = heads(rng)
    inputs = {
        "x": given["q"],
        "v": given["v"],
        "w1": rng.standard_normal((*lead, D, F)),
        "b1": off_zero(rng.standard_normal((*lead, 1, F))),
        "w2": rng.standard_normal((*lead, F, LONGEST)),
        "b2": rng.standard_normal((*lead, 1, LONGEST)),
    }
    return Problem(dense_synthesizer_forward, dense_synthesizer_backward, inputs, fixed)


def fourier_mixing(rng: Rng, **fixed: Any) -> Problem:
    return Problem(fourier_mixing_forward, fourier_mixing_backward, {"x": rng.standard_normal((B, S, C))}, fixed)


def linformer_shared_once(dout: Any, cache: LinformerCache) -> LinformerGrads:
    """One matrix mixes keys and values; its gradient from the values forgotten."""
    grads = linformer_backward(dout, cache)
    return grads._replace(de=linformer_backward(dout, cache._replace(f=cache.e)).de)


def iterative_inverse_as_if_it_were_the_inverse(dz: Any, cache: IterativeInverseCache) -> Any:
    """dA = -Z^T dZ Z^T, which holds for the inverse itself: a few steps have not reached it."""
    z = cache.steps[-1].swapaxes(-1, -2)
    return -(z @ dz @ z)


def nystrom_attention_without_the_inverse(dout: Any, cache: NystromAttentionCache) -> Any:
    """A^+ taken as a constant: no gradient through the iteration."""
    return nystrom_attention_backward(dout, cache._replace(w=0 * cache.w))


def random_synthesizer_of_the_first_rows(dout: Any, cache: RandomSynthesizerCache) -> Any:
    """The last T places are mistaken for the first T."""
    dv, dscores = random_synthesizer_backward(dout, cache)
    return dv, np.roll(dscores, -cache.rows.start, axis=-2)


def dense_synthesizer_without_relu(dout: Any, cache: DenseSynthesizerCache) -> DenseSynthesizerGrads:
    open_everywhere = cache.relu._replace(x=cache.relu.x * 0 + 1)
    return dense_synthesizer_backward(dout, cache._replace(relu=open_everywhere))


def fourier_mixing_inverted(dy: Any, cache: FourierMixingCache) -> Any:
    """The inverse transform instead of the transposed one."""
    return np.fft.ifft2(dy, axes=(-2, -1)).real


CASES = (
    Case(linformer_backward, "one matrix for keys and values", lambda rng: linformer(rng, shared=True)),
    Case(linformer_backward, "padded", lambda rng: linformer(rng, mask=_PADDED)),
    Case(linformer_backward, "of each head, scaled", lambda rng: linformer(rng, (H,), scale=0.9)),
    Case(iterative_inverse_backward, "start", lambda rng: iterative_inverse(rng, 0)),
    Case(iterative_inverse_backward, "three steps", lambda rng: iterative_inverse(rng, 3)),
    Case(iterative_inverse_backward, "more rows than columns", lambda rng: iterative_inverse(rng, 2, (B, 5, 3))),
    Case(nystrom_attention_backward, "plain", nystrom_attention),
    Case(nystrom_attention_backward, "padded", lambda rng: nystrom_attention(rng, mask=_PADDED)),
    Case(
        nystrom_attention_backward,
        "self-attention, a segment of padding",
        lambda rng: nystrom_attention(rng, S, S, mask=_PADDED, scale=0.9),
    ),
    Case(
        nystrom_attention_backward,
        "more landmarks than tokens",
        lambda rng: nystrom_attention(rng, n_landmarks=20, n_iterations=2),
    ),
    Case(random_synthesizer_backward, "of each head", random_synthesizer),
    Case(random_synthesizer_backward, "shared, padded", lambda rng: random_synthesizer(rng, (), mask=_PADDED)),
    Case(
        random_synthesizer_backward,
        "last queries, causal",
        lambda rng: random_synthesizer(rng, n_queries=T, mask=causal_mask(T, S, S - T)),
    ),
    Case(dense_synthesizer_backward, "shared", dense_synthesizer),
    Case(dense_synthesizer_backward, "of each head, padded", lambda rng: dense_synthesizer(rng, (H,), mask=_PADDED)),
    Case(fourier_mixing_backward, "plain", fourier_mixing),
    Case(fourier_mixing_backward, "padded", lambda rng: fourier_mixing(rng, keys=_PADDED[:, 0, 0])),
)

CONTROLS = (
    Control("linformer", "shared matrix, one use", linformer_shared_once, lambda rng: linformer(rng, shared=True)),
    Control(
        "iterative_inverse",
        "as if it were the inverse",
        iterative_inverse_as_if_it_were_the_inverse,
        lambda rng: iterative_inverse(rng, 2),
    ),
    Control(
        "nystrom_attention", "no gradient through the inverse", nystrom_attention_without_the_inverse, nystrom_attention
    ),
    Control(
        "random_synthesizer",
        "the first rows",
        random_synthesizer_of_the_first_rows,
        lambda rng: random_synthesizer(rng, n_queries=T),
    ),
    Control("dense_synthesizer", "relu forgotten", dense_synthesizer_without_relu, dense_synthesizer),
    Control("fourier_mixing", "inverted", fourier_mixing_inverted, fourier_mixing),
)

"""GloVe: the product of two word vectors is the logarithm of how often the words stand near each other.

    L = mean over n of  f(X_n) m_n^2
    m_n = w_n . c_n + b_n + d_n - log X_n              f(X) = min((X / ceiling)^power, 1)

X_n > 0 counts how often the two words were neighbours; w and b are the vector and the offset of the one, c and d those
of the other.  f lets rare pairs, which are mostly chance, weigh little, and frequent ones no more than 1.

Derivation.  X and f are numbers from the corpus, not parameters.  dm_n = dL 2 f(X_n) m_n / N; then, from the sum,

    dw_n = dm_n c_n        dc_n = dm_n w_n        db_n = dd_n = dm_n

Source: Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word Representation", equations 8 and 9, with
ceiling 100 and power 3/4.  The paper sums over all pairs; the mean makes the step size independent of their number.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import number
from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32


class GloveLossCache(NamedTuple):
    word: Array
    context: Array
    weighted_miss: Array  # f(X) m


class GloveLossGrads(NamedTuple):
    dword: Array
    dcontext: Array
    dword_offset: Array
    dcontext_offset: Array


@in_float32
def glove_loss_forward(
    word: Array,
    context: Array,
    word_offset: Array,
    context_offset: Array,
    counts: Array,
    ceiling: float = 100.0,
    power: float = 0.75,
) -> tuple[Array, GloveLossCache]:
    """word, context: (N, C), the offsets and counts: (N,) -> mean loss: scalar, cache; 0 for N = 0.

    Raises ValueError when the shapes do not fit, and, looking at values on the host only, for a count that is not
    above 0: pairs that never met are left out, not counted as 0.
    """
    number("ceiling", ceiling, above=0)
    if word.ndim != 2 or context.shape != word.shape:
        raise ValueError(f"word and context are both (N, C), not {word.shape} and {context.shape}")
    if not word_offset.shape == context_offset.shape == counts.shape == word.shape[:1]:
        shapes = f"{word_offset.shape}, {context_offset.shape} and {counts.shape}"
        raise ValueError(f"offsets and counts are one number for each of {len(word)} pairs, not {shapes}")
    if on_host(counts) and not (counts > 0).all():
        raise ValueError("every count must be above 0: leave out the pairs that never met")
    xp = xp_of(word)
    log_counts = xp.log(xp.asarray(counts))
    relative = xp.exp(power * (log_counts - xp.log(xp.full_like(log_counts, ceiling))))
    weight = xp.minimum(relative, 1).astype(word.real.dtype)
    miss = (word * context).sum(axis=-1) + word_offset + context_offset - log_counts.astype(word.real.dtype)
    weighted_miss = weight * miss
    return (weighted_miss * miss).sum() * (1.0 / max(len(word), 1)), GloveLossCache(word, context, weighted_miss)


@in_float32
def glove_loss_backward(dloss: Array | float, cache: GloveLossCache) -> GloveLossGrads:
    """dloss: scalar -> dword, dcontext: (N, C), dword_offset, dcontext_offset: (N,).  Counts have no gradient."""
    word, context, weighted_miss = cache
    dmiss = (dloss * weighted_miss * (2.0 / max(len(word), 1))).astype(word.dtype)  # loss = mean of weight * miss^2
    column = dmiss[:, None]  # (N,) -> (N, 1)
    return GloveLossGrads(column * context, column * word, dmiss, dmiss.copy())  # miss = word . context + both offsets

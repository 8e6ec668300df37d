"""Masking done wrong, on purpose: the usual shortcuts, each a named function whose docstring says what is wrong.

All take scores (..., T, S) that are already scaled and a mask (True = may attend), and return weights (..., T, S).
The right way is `tfx.ops.attention.scaled_dot_product.attention_forward`.
"""

from __future__ import annotations

import math

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.basics.softmax import softmax_forward


def softmax_then_mask(scores: Array, mask: Array) -> Array:
    """WRONG: the weights are zeroed after the softmax.  Blocked keys still stand in the denominator: rows sum to less
    than one, and by how much less tells every query about the keys that it must not see."""
    weights, _ = softmax_forward(scores)
    return weights * mask.astype(scores.dtype)


def softmax_then_mask_then_divide(scores: Array, mask: Array) -> Array:
    """NOT WRONG, only late: dividing by the row sum after zeroing repairs `softmax_then_mask`, except that a row whose
    visible weights have all underflowed gives 0 / 0."""
    kept = softmax_then_mask(scores, mask)
    return kept / kept.sum(axis=-1, keepdims=True)


def zero_scores(scores: Array, mask: Array) -> Array:
    """WRONG: blocked scores are set to 0 before the softmax.  A score of 0 is a score: exp(0) = 1."""
    weights, _ = softmax_forward(xp_of(scores).where(mask, scores, 0).astype(scores.dtype))
    return weights


def add_penalty(scores: Array, mask: Array, penalty: float) -> Array:
    """WRONG for a fully blocked row, and for a small penalty: blocked scores get `penalty` added, -1e9 for instance.
    When every key has it, it cancels in the quotient; and exp(-30) is not 0.  In float16 -1e9 is -inf."""
    with np.errstate(over="ignore"):
        bias = xp_of(scores).where(mask, 0.0, penalty).astype(scores.dtype)
    return bare_softmax(scores + bias)


def block_with_inf(scores: Array, mask: Array) -> Array:
    """WRONG for a fully blocked row: -inf minus the row's maximum, also -inf, is NaN."""
    return bare_softmax(xp_of(scores).where(mask, scores, -math.inf).astype(scores.dtype))


def softmax_over_queries(scores: Array, mask: Array) -> Array:
    """WRONG axis: normalises each key over the queries.  Rows do not sum to one, and every query feels all others."""
    weights, _ = softmax_forward(xp_of(scores).where(mask, scores, -math.inf).astype(scores.dtype), axis=-2)
    return weights


def bare_softmax(x: Array) -> Array:
    """The textbook softmax with the maximum subtracted, and no thought for rows in which everything is -inf."""
    with np.errstate(invalid="ignore"):
        e = xp_of(x).exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

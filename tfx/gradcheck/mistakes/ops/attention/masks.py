"""Masking done wrong, on purpose: the usual shortcuts, each a named function whose docstring says what is wrong.

All take scores (..., T, S) that are already scaled and a mask (True = may attend), and return weights (..., T, S).
The right way is `tfx.ops.attention.scaled_dot_product.attention_forward`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.backend import Array, xp_of
from tfx.gradcheck.cases.ops.attention.attend import attend
from tfx.gradcheck.mistake import wrong_forward
from tfx.ops.basics.softmax import softmax_forward


def softmax_then_mask_then_divide(scores: Array, mask: Array) -> Array:
    """NOT WRONG, only late: dividing by the row sum after zeroing repairs `mask_after_softmax`, except that a row whose
    visible weights have all underflowed gives 0 / 0."""
    kept = mask_after_softmax(scores, mask)
    return kept / kept.sum(axis=-1, keepdims=True)


def bare_softmax(x: Array) -> Array:
    """The textbook softmax with the maximum subtracted, and no thought for rows in which everything is -inf."""
    with np.errstate(invalid="ignore"):
        e = xp_of(x).exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


def attending(weigh: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array], Array]:
    """weigh(scores, mask) -> weights, as a forward of attend: (scores, v, mask) -> out."""

    def forward(scores: Array, v: Array, mask: Array) -> Array:
        return weigh(scores, mask) @ v

    return forward


@wrong_forward(attend, through=attending)
def mask_after_softmax(scores: Array, mask: Array) -> Array:
    """The weights are zeroed after the softmax.

    Blocked keys still stand in the denominator: rows sum to less than one, and by how much less tells every query about
    the keys that it must not see.

    Why: Zero weight is what a mask is for, and setting the weights to zero seems the shortest way to it.
    Hint: Add up the weights of one row. Which keys are still counted in the denominator?
    """
    weights, _ = softmax_forward(scores)
    return weights * mask.astype(scores.dtype)


@wrong_forward(attend, through=attending)
def blocked_scores_zero(scores: Array, mask: Array) -> Array:
    """Blocked scores are set to 0 before the softmax.

    A score of 0 is a score: exp(0) = 1.

    Why: A weight of zero means nothing is read, so a score of zero seems to say the same.
    Hint: What does the exponential make of the score that you put in?
    """
    weights, _ = softmax_forward(xp_of(scores).where(mask, scores, 0).astype(scores.dtype))
    return weights


@wrong_forward(attend, through=attending, blocked_row=True)
def finite_penalty(scores: Array, mask: Array, penalty: float = -1e9) -> Array:
    """Blocked scores get a large negative number added.

    Wrong for a fully blocked row, and for a small penalty. When every key has it, it cancels in the quotient; and
    exp(-30) is not 0. In float16 -1e9 is -inf.

    Why: A penalty of -1e9 works in every row that may see something, and rows that see nothing are rare in tests.
    Hint: Look at a row in which every key is blocked: what is left after the row's maximum is taken off?
    """
    with np.errstate(over="ignore"):
        bias = xp_of(scores).where(mask, 0.0, penalty).astype(scores.dtype)
    return bare_softmax(scores + bias)


@wrong_forward(attend, through=attending, blocked_row=True)
def minus_infinity_unguarded(scores: Array, mask: Array) -> Array:
    """A fully blocked row is not thought of.

    -inf minus the row's maximum, also -inf, is NaN.

    Why: -inf is right in every row that may see something, and rows that see nothing come up mostly with padding.
    Hint: What is the maximum of a row in which all scores are -inf, and what is -inf minus that?
    """
    return bare_softmax(xp_of(scores).where(mask, scores, -math.inf).astype(scores.dtype))


@wrong_forward(attend, through=attending)
def softmax_over_queries(scores: Array, mask: Array) -> Array:
    """The softmax runs over the queries.

    Each key is shared out among the queries. Rows do not sum to one, and every query feels all others.

    Why: Both axes are lengths of a sentence, and in self-attention they are even equal, so no shape complains.
    Hint: Who shares out one unit of attention: each query among the keys, or each key among the queries?
    """
    weights, _ = softmax_forward(xp_of(scores).where(mask, scores, -math.inf).astype(scores.dtype), axis=-2)
    return weights

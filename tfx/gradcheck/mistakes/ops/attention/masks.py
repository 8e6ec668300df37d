"""Masking done wrong, on purpose: the usual shortcuts, each a named function whose docstring says what is wrong.

All take scores (..., T, S) that are already scaled and a mask (True = may attend), and return weights (..., T, S).
The right way is `tfx.ops.attention.scaled_dot_product.attention_forward`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from tfx.backend import Array, xp_of
from tfx.gradcheck.cases.ops.attention.attend import attend
from tfx.gradcheck.mistake import Mistake
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


def attending(weigh: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array], Array]:
    """weigh(scores, mask) -> weights, as a forward of attend: (scores, v, mask) -> out."""

    def forward(scores: Array, v: Array, mask: Array) -> Array:
        return weigh(scores, mask) @ v

    return forward


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="attend",
        name="mask-after-softmax",
        says="the weights are zeroed after the softmax",
        why="Zero weight is what a mask is for, and setting the weights to zero seems the shortest way to it.",
        hint="Add up the weights of one row. Which keys are still counted in the denominator?",
        problem=attend,
        wrong_forward=attending(softmax_then_mask),
    ),
    Mistake(
        op="attend",
        name="blocked-scores-zero",
        says="blocked scores are set to 0 before the softmax",
        why="Zero looks like nothing, and for weights it is nothing; for scores it is not.",
        hint="What does the exponential make of the score that you put in?",
        problem=attend,
        wrong_forward=attending(zero_scores),
    ),
    Mistake(
        op="attend",
        name="finite-penalty",
        says="blocked scores get a large negative number added",
        why="A penalty of -1e9 works in every row that may see something, so tests rarely show the other rows.",
        hint="Look at a row in which every key is blocked: what is left after the row's maximum is taken off?",
        problem=partial(attend, blocked_row=True),
        wrong_forward=attending(partial(add_penalty, penalty=-1e9)),
    ),
    Mistake(
        op="attend",
        name="minus-infinity-unguarded",
        says="a fully blocked row is not thought of",
        why="-inf is right for every row that may see something, and no test has a row that sees nothing.",
        hint="What is the maximum of a row in which all scores are -inf, and what is -inf minus that?",
        problem=partial(attend, blocked_row=True),
        wrong_forward=attending(block_with_inf),
    ),
    Mistake(
        op="attend",
        name="softmax-over-queries",
        says="the softmax runs over the queries",
        why="Both axes are lengths of a sentence, and in self-attention they are even equal, so no shape complains.",
        hint="Who shares out one unit of attention: each query among the keys, or each key among the queries?",
        problem=attend,
        wrong_forward=attending(softmax_over_queries),
    ),
)

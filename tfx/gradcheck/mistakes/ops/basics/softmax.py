"""Known mistakes in tfx/ops/basics/softmax.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.gradcheck.cases.ops.basics.softmax import softmax
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward


def naive_softmax(x: Array, axis: int = -1) -> Array:
    """WRONG in floating point: exp(x) / sum exp(x) as it is written, without taking off the maximum.  exp overflows to
    inf and inf / inf is NaN; far below 0 all exps vanish, and 0 / 0 is NaN too."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        e = xp_of(x).exp(x)
        return e / e.sum(axis=axis, keepdims=True)


def softmax_over_other_axis(x: Array, axis: int) -> Array:
    return softmax_forward(x, axis - 1)[0]


def softmax_without_inner_sum(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * dy


def softmax_sign_flipped(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * (dy + (dy * cache.y).sum(axis=cache.axis, keepdims=True))


def softmax_over_the_wrong_axis(dy: Any, cache: SoftmaxCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(cache.y, 1))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="softmax",
        name="inner-sum-missing",
        says="the inner sum is missing",
        why="The derivative of exp is remembered and that of the divisor is not, as if each output had its own input.",
        hint="Move one input: how many outputs of the row move?",
        problem=softmax,
        wrong_backward=softmax_without_inner_sum,
    ),
    Mistake(
        op="softmax",
        name="inner-sum-sign",
        says="the inner sum has the wrong sign",
        why="The Jacobian is y_i (delta_ij - y_j), and its minus gets lost when the sum is written out.",
        hint="When one input grows, do the other outputs grow or shrink?",
        problem=softmax,
        wrong_backward=softmax_sign_flipped,
    ),
    Mistake(
        op="softmax",
        name="wrong-axis",
        says="the sum runs over another axis",
        why="The axis is given once in the forward pass, and the backward assumes a fixed one.",
        hint="Along which axis do the outputs sum to 1?",
        problem=softmax,
        wrong_backward=softmax_over_the_wrong_axis,
    ),
    Mistake(
        op="softmax",
        name="maximum-not-subtracted",
        says="the maximum is not subtracted first",
        why="The formula in the books has no maximum in it, and on small scores the code gives the same numbers.",
        hint="What is the largest number whose exponential still fits into the type?",
        problem=partial(softmax, scale=1000.0),
        wrong_forward=naive_softmax,
    ),
    Mistake(
        op="softmax",
        name="other-axis",
        says="the softmax runs along another axis",
        why="Every axis gives the right shape, and a sum of 1 along some axis is quickly taken for the right one.",
        hint="Add up the outputs along each axis in turn. Along which one did you want shares of 1?",
        problem=softmax,
        wrong_forward=softmax_over_other_axis,
    ),
)

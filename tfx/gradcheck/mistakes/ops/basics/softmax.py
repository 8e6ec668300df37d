"""Known mistakes in tfx/ops/basics/softmax.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.gradcheck.cases.ops.basics.softmax import softmax
from tfx.gradcheck.mistake import wrong_backward, wrong_forward
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward


@wrong_backward(softmax)
def inner_sum_missing(dy: Any, cache: SoftmaxCache) -> Any:
    """The inner sum is missing.

    Why: The derivative of exp is remembered and that of the divisor is not, as if each output had its own input.
    Hint: Move one input: how many outputs of the row move?
    """
    return cache.y * dy


@wrong_backward(softmax)
def inner_sum_sign(dy: Any, cache: SoftmaxCache) -> Any:
    """The inner sum has the wrong sign.

    Why: The Jacobian is y_i (delta_ij - y_j), and its minus gets lost when the sum is written out.
    Hint: When one input grows, do the other outputs grow or shrink?
    """
    return cache.y * (dy + (dy * cache.y).sum(axis=cache.axis, keepdims=True))


@wrong_backward(softmax)
def wrong_axis(dy: Any, cache: SoftmaxCache) -> Any:
    """The sum runs over another axis.

    Why: The axis is given once in the forward pass, and the backward assumes a fixed one.
    Hint: Along which axis do the outputs sum to 1?
    """
    return softmax_backward(dy, SoftmaxCache(cache.y, 1))


@wrong_forward(softmax, scale=1000.0)
def maximum_not_subtracted(x: Array, axis: int = -1) -> Array:
    """The maximum is not subtracted first.

    exp(x) / sum exp(x) as it is written. exp overflows to inf and inf / inf is NaN; far below 0 all exps vanish, and 0
    / 0 is NaN too.

    Why: The formula in the books has no maximum in it, and on small scores the code gives the same numbers.
    Hint: What is the largest number whose exponential still fits into the type?
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        e = xp_of(x).exp(x)
        return e / e.sum(axis=axis, keepdims=True)


@wrong_forward(softmax)
def other_axis(x: Array, axis: int) -> Array:
    """The softmax runs along another axis.

    Why: Every axis gives the right shape, and a sum of 1 along some axis is quickly taken for the right one.
    Hint: Add up the outputs along each axis in turn. Along which one did you want shares of 1?
    """
    return softmax_forward(x, axis - 1)[0]

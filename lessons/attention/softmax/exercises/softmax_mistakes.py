"""What people write in the place of softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.softmax.exercises.softmax import exercise
from tfx.ops.basics.softmax import softmax_forward


def _over(e: Any, total: Any) -> Any:
    return e / np.where(total == 0, 1, total)


def _from_top(x: Any, axis: int | None) -> Any:
    top = x.max(axis=axis, keepdims=True)
    return np.exp(x - np.where(np.isneginf(top), 0, top))


@exercise.mistake
def maximum_not_subtracted(x: Any, axis: int = -1) -> Any:
    """The maximum is not subtracted first.

    Why: The formula in the books has no maximum in it, and on small scores the code gives the same numbers.
    Hint: What is the largest number whose exponential still fits into float64?
    See: the_overflow
    """
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


@exercise.mistake
def always_the_last_axis(x: Any, axis: int = -1) -> Any:
    """The axis that was asked for is not used: it is the last one every time.

    Why: The first tests ask for the last axis alone.
    Hint: Call it with axis=0. Which sums are 1?
    See: the_axis
    """
    return softmax_forward(x, -1)[0]


@exercise.mistake
def other_axis(x: Any, axis: int = -1) -> Any:
    """The softmax runs along the axis before.

    Why: Every axis gives the right shape, and a sum of 1 along some axis is quickly taken for the right one.
    Hint: Add up the outputs along each axis in turn. Along which one did you want shares of 1?
    See: the_axis
    """
    return softmax_forward(x, axis - 1 if x.ndim > 1 and axis - 1 >= -x.ndim else axis)[0]


@exercise.mistake
def over_all_numbers(x: Any, axis: int = -1) -> Any:
    """The sum runs over all numbers, not along one axis.

    Why: sum() without an axis gives one number, and dividing by it broadcasts without a complaint.
    Hint: What does the whole array sum to, and what should each row?
    See: the_axis
    """
    e = _from_top(x, None)
    return _over(e, e.sum())


@exercise.mistake
def maximum_of_all(x: Any, axis: int = -1) -> Any:
    """The largest of all numbers is subtracted, not that of each slice.

    Why: It cancels as well, so that on scores of one size the result is right.
    Hint: What is left of a row whose scores all lie 2,000 below the largest of the array?
    See: the_shift
    """
    e = _from_top(x, None)
    return _over(e, e.sum(axis=axis, keepdims=True))


@exercise.mistake
def maximum_of_the_other_axis(x: Any, axis: int = -1) -> Any:
    """The maximum is taken along another axis than the sum.

    Why: The axis is written twice, and only one of the two is changed.
    Hint: Is what you subtract the same for all scores that are summed?
    See: the_shift
    """
    e = _from_top(x, 0 if x.ndim > 1 and axis in (-1, x.ndim - 1) else -1)
    return _over(e, e.sum(axis=axis, keepdims=True))


@exercise.mistake
def blocked_rows_are_nan(x: Any, axis: int = -1) -> Any:
    """A slice of -inf alone gives NaN.

    Why: The largest score is -inf there, and -inf - (-inf) is NaN.
    Hint: What is subtracted from a row in which every score is -inf?
    """
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@exercise.mistake
def blocked_rows_are_even(x: Any, axis: int = -1) -> Any:
    """A slice of -inf alone gives equal weights.

    Why: -inf is replaced by a large negative number, and a row of equal numbers is even.
    Hint: What should a query get that may look at nothing?
    """
    return softmax_forward(np.where(np.isneginf(x), -1e30, x), axis)[0]


@exercise.mistake
def not_divided(x: Any, axis: int = -1) -> Any:
    """The sum is missing: exponentials, not shares.

    Why: After the maximum is gone the numbers lie between 0 and 1 and look like weights.
    Hint: What do your weights sum to?
    """
    return _from_top(x, axis)


@exercise.mistake
def shares_of_the_scores(x: Any, axis: int = -1) -> Any:
    """Scores are divided by their sum, without exp.

    Why: That gives shares of 1 as well.
    Hint: What happens to a negative score?
    """
    return x / x.sum(axis=axis, keepdims=True)


@exercise.mistake
def log_of_the_weights(x: Any, axis: int = -1) -> Any:
    """The logarithms of the weights are returned.

    Why: log_softmax stands beside softmax in every library.
    Hint: Are weights ever negative?
    """
    with np.errstate(divide="ignore"):
        return np.log(softmax_forward(x, axis)[0])


@exercise.mistake
def powers_of_two(x: Any, axis: int = -1) -> Any:
    """The base is 2 in the place of e.

    Why: exp2 is one letter away, and its weights sum to 1 too.
    Hint: Two scores differ by 1. How many times the weight has the larger one?
    """
    return softmax_forward(x * np.log(2), axis)[0]


@exercise.mistake
def small_number_in_the_sum(x: Any, axis: int = -1) -> Any:
    """A small number is added to the sum, so that the weights do not sum to 1.

    Why: 1e-6 or so is a habit against division by 0.
    Hint: How far from 1 is the sum of a row? With the maximum subtracted, can the sum be 0?
    """
    e = _from_top(x, axis)
    return e / (e.sum(axis=axis, keepdims=True) + 1e-6)

"""Softmax along any axis, for scores of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise, Given
from tfx.ops.basics.softmax import softmax_forward

exercise = Exercise(
    "softmax",
    "Softmax that cannot overflow",
    level=1,
    step="one_row",
    rules=[
        "x has any number of axes; the softmax runs along `axis`, which may be negative.",
        "Scores may be as large as 10,000 and as small as -10,000: no NaN, no infinity comes out.",
        "A score of -inf gets the weight 0. Where all scores of a slice are -inf, all its weights are 0.",
        "x stays as it is, and the result is an array of its own.",
    ],
    hints=[
        "Along which axis are the weights to sum to 1? Keep that axis when you sum, so that shapes fit.",
        "The same number may be taken from all scores of a slice: it cancels. Which one keeps exp from overflowing?",
        "In a slice of -inf alone the largest score is -inf too, and -inf - (-inf) is NaN. What could be taken instead?",
    ],
    learned="the largest score cancels: subtract it before exp, along the axis that is to sum to 1.",
    results=["p: the shape of x"],
)


@exercise.stub
def softmax(x, axis=-1):
    """Weights from scores: exp(x) over its sum along `axis`.

    x: array of scores, any shape -> array of the same shape.
    """
    ...


@exercise.solution
def solution(x: Any, axis: int = -1) -> Any:
    top = x.max(axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


@exercise.truth
def truth(x: Any, axis: int = -1) -> Any:
    return softmax_forward(x, axis)[0]


@exercise.equal
def in_log_space(x: Any, axis: int = -1) -> Any:
    logs = np.logaddexp.reduce(x, axis=axis, keepdims=True)
    return np.where(np.isneginf(logs), 0, np.exp(x - np.where(np.isneginf(logs), 0, logs)))


@exercise.equal
def in_loops(x: Any, axis: int = -1) -> Any:
    """One slice at a time, in plain floats."""
    import math

    moved = np.moveaxis(x, axis, -1)
    out = np.zeros(moved.shape)
    for index in np.ndindex(*moved.shape[:-1]):
        top = max(map(float, moved[index]))
        if top > -math.inf:
            e = [math.exp(float(score) - top) for score in moved[index]]
            out[index] = [one / math.fsum(e) for one in e]
    return np.moveaxis(out, -1, axis)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    yield Given("a matrix, along the last axis", {"x": rng.standard_normal((2, 5))})
    yield Given("a matrix, along axis 0", {"x": rng.standard_normal((4, 3)), "axis": 0})
    yield Given("four axes, along the second", {"x": rng.standard_normal((2, 3, 4, 5)), "axis": 1})
    yield Given("three axes, axis -2", {"x": rng.standard_normal((3, 4, 2)), "axis": -2})
    yield Given("a square matrix", {"x": 2 * rng.standard_normal((4, 4))})
    yield Given("one row", {"x": rng.standard_normal(6)})
    yield Given("a slice of one score", {"x": rng.standard_normal((3, 1))})
    yield Given("one number in all", {"x": np.array([0.7])})
    yield Given("equal scores", {"x": np.full((2, 3), 1.5)})
    yield Given("scores near 10,000", {"x": 10_000 - rng.random((2, 4))})
    yield Given("scores near -10,000", {"x": rng.random((2, 4)) - 10_000})
    yield Given("rows of very different size", {"x": np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -999.5]])})
    yield Given("scores far apart", {"x": np.array([[0.0, -800.0, -30.0], [50.0, 0.0, 49.0]])})
    yield Given("some scores are -inf", {"x": np.array([[0.3, -np.inf, 1.1], [-np.inf, -np.inf, 0.2]])})
    yield Given("a row of -inf alone", {"x": np.array([[-np.inf, -np.inf], [0.5, 0.1]])})
    yield Given("a column of -inf alone, along axis 0", {"x": np.array([[-np.inf, 1.0], [-np.inf, 2.0]]), "axis": 0})
    yield Given("a thousand scores", {"x": 3 * rng.standard_normal((2, 1000))})
    yield Given("float32", {"x": rng.standard_normal((3, 4)).astype(np.float32)})
    yield Given("whole numbers as floats", {"x": np.arange(6.0).reshape(2, 3)})


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
    """
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


@exercise.mistake
def always_the_last_axis(x: Any, axis: int = -1) -> Any:
    """The axis that was asked for is not used: it is the last one every time.

    Why: The first tests ask for the last axis alone.
    Hint: Call it with axis=0. Which sums are 1?
    """
    return softmax_forward(x, -1)[0]


@exercise.mistake
def other_axis(x: Any, axis: int = -1) -> Any:
    """The softmax runs along the axis before.

    Why: Every axis gives the right shape, and a sum of 1 along some axis is quickly taken for the right one.
    Hint: Add up the outputs along each axis in turn. Along which one did you want shares of 1?
    """
    return softmax_forward(x, axis - 1 if x.ndim > 1 and axis - 1 >= -x.ndim else axis)[0]


@exercise.mistake
def over_all_numbers(x: Any, axis: int = -1) -> Any:
    """The sum runs over all numbers, not along one axis.

    Why: sum() without an axis gives one number, and dividing by it broadcasts without a complaint.
    Hint: What does the whole array sum to, and what should each row?
    """
    e = _from_top(x, None)
    return _over(e, e.sum())


@exercise.mistake
def maximum_of_all(x: Any, axis: int = -1) -> Any:
    """The largest of all numbers is subtracted, not that of each slice.

    Why: It cancels as well, so that on scores of one size the result is right.
    Hint: What is left of a row whose scores all lie 2,000 below the largest of the array?
    """
    e = _from_top(x, None)
    return _over(e, e.sum(axis=axis, keepdims=True))


@exercise.mistake
def maximum_of_the_other_axis(x: Any, axis: int = -1) -> Any:
    """The maximum is taken along another axis than the sum.

    Why: The axis is written twice, and only one of the two is changed.
    Hint: Is what you subtract the same for all scores that are summed?
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

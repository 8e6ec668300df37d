"""Softmax along any axis, for scores of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.comparing import two_numbers
from lessons.practice.hand import number, share_by_hand
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


@exercise.steps
def steps(x: Any, axis: int = -1) -> dict[str, Any]:
    top = x.max(axis=axis, keepdims=True)
    safe = np.where(np.isneginf(top), 0, top)
    e = np.exp(x - safe)
    total = e.sum(axis=axis, keepdims=True)
    totals = [total, np.where(total == 0, 1, total)]
    return {
        "e: the exponentials": e,
        "total: their sums": totals + [np.squeeze(one, axis) for one in totals],
        "p: the weights": e / totals[1],
    }


def slice_of(at: tuple[int, ...], x: Any, axis: int) -> tuple[Any, int]:
    """The scores of one slice, and the place in it."""
    place = axis % x.ndim
    return x[(*at[:place], slice(None), *at[place + 1 :])], at[place]


@exercise.cell
def e(at: tuple[int, ...], x: Any, axis: int = -1) -> str:
    row, place = slice_of(at, x, axis)
    gap = row[place] - (row.max() if row.max() > -np.inf else 0)
    one, top = two_numbers(row[place], row.max())
    return f"exp({one} - {top}) = {number(np.exp(gap))}"


@exercise.cell
def p(at: tuple[int, ...], x: Any, axis: int = -1) -> str:
    row, place = slice_of(at, x, axis)
    return share_by_hand(row, np.ones(row.shape, bool), place)


#: words -> shape, and words -> the axis that is asked for, from the number of axes
SHAPES = {"5": (5,), "3 x 4": (3, 4), "4 x 1": (4, 1), "1 x 3": (1, 3), "3 x 3": (3, 3), "2 x 3 x 4": (2, 3, 4),
          "2 x 1 x 3 x 2": (2, 1, 3, 2), "2 x 2 x 2": (2, 2, 2), "3 x 2 x 1": (3, 2, 1)}  # fmt: skip
AXES: dict[str, Callable[[int], dict[str, int]]] = {
    "": lambda n: {},
    "the last axis by its number": lambda n: {"axis": n - 1},
    "the first axis": lambda n: {"axis": 0},
    "the first axis from behind": lambda n: {"axis": -n},
    "the axis before the last": lambda n: {"axis": -2 if n > 1 else -1},
    "the second axis": lambda n: {"axis": 1 if n > 1 else 0},
}


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
    x = np.array([[-np.inf, -10_000.0, -9_999.0], [-9_998.0, -np.inf, -10_000.0]])
    yield Given("some scores are -inf, the others near -10,000", {"x": x})
    yield Given("a row of -inf alone", {"x": np.array([[-np.inf, -np.inf], [0.5, 0.1]])})
    yield Given("a column of -inf alone, along axis 0", {"x": np.array([[-np.inf, 1.0], [-np.inf, 2.0]]), "axis": 0})
    yield Given("a thousand scores", {"x": 3 * rng.standard_normal((2, 1000))})
    yield Given("float32", {"x": rng.standard_normal((3, 4)).astype(np.float32)})
    yield Given("whole numbers as floats", {"x": np.arange(6.0).reshape(2, 3)})
    for about, (shape, along, by, lift, blocked, dtype) in crossed(
        SHAPES, AXES, {"": 1.0, "scores close together": 1e-3, "scores far apart": 300.0},
        {"": 0.0, "near 1,000": 1e3, "near -1,000": -1e3, "slices of different size": 2e3},
        {"": "", "some -inf": "some", "a slice of -inf": "slice"}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        axis = along(len(shape))
        x = by * rng.standard_normal(shape) + lift
        slices = np.moveaxis(x, axis.get("axis", -1), 0)  # slices[:, ...] is one of them, in the memory of x
        if lift == 2e3:
            slices -= lift * rng.integers(0, 2, slices.shape[1:])
        if blocked == "some":
            x[rng.random(shape) < 0.4] = -np.inf
        elif blocked:
            slices[(slice(None), *[-1] * (x.ndim - 1))] = -np.inf
        yield Given(about, {"x": x.astype(dtype)} | axis)

"""The backward of softmax, without its Jacobian."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.softmax.exercises.softmax import AXES, SHAPES
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import number
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward, softmax_jacobian

exercise = Exercise(
    "softmax-backward",
    "Backward through softmax",
    rules=[
        "p is what softmax gave along `axis`; dp has its shape and is the gradient of the loss for p.",
        "What is returned is the gradient of the loss for the scores, of the same shape.",
        "dp and p stay as they are.",
    ],
    hints=[
        "Move one score: how many weights of its slice move?",
        "dx_j = sum over i of dp_i p_i (delta_ij - p_j). Which of the two sums is the same for every j?",
        "The gradient of a slice sums to 0, since adding a constant to all scores changes nothing. Does yours?",
    ],
    learned="p * (dp - sum(dp * p)): every weight pulls on every score of its slice, and the Jacobian is never built.",
    results=["dx: the shape of p"],
    step="three_roads",
)


@exercise.stub
def softmax_backward_of(dp, p, axis=-1):
    """The gradient for the scores x of p = softmax(x) along `axis`.

    dp, p: arrays of one shape -> array of the same shape.
    """
    ...


@exercise.solution
def solution(dp: Any, p: Any, axis: int = -1) -> Any:
    return p * (dp - (dp * p).sum(axis=axis, keepdims=True))


@exercise.truth
def truth(dp: Any, p: Any, axis: int = -1) -> Any:
    return softmax_backward(dp, SoftmaxCache(p, axis))


@exercise.equal
def by_the_jacobian(dp: Any, p: Any, axis: int = -1) -> Any:
    moved, upstream = np.moveaxis(p, axis, -1), np.moveaxis(dp, axis, -1)
    return np.moveaxis((softmax_jacobian(moved) @ upstream[..., None])[..., 0], -1, axis)


@exercise.equal
def two_sums(dp: Any, p: Any, axis: int = -1) -> Any:
    return p * dp - p * np.sum(p * dp, axis, keepdims=True)


@exercise.steps
def steps(dp: Any, p: Any, axis: int = -1) -> dict[str, Any]:
    inner = (dp * p).sum(axis=axis, keepdims=True)
    return {
        "inner: a number for each slice": [inner, np.squeeze(inner, axis)],
        "dx: the shape of p": p * (dp - inner),
    }


@exercise.cell
def dx(at: tuple[int, ...], dp: Any, p: Any, axis: int = -1) -> str:
    place = axis % p.ndim
    own = (*at[:place], slice(None), *at[place + 1 :])
    inner = float(dp[own] @ p[own])
    return f"{number(p[at])} * ({number(dp[at])} - ({number(inner)})) = {number(p[at] * (dp[at] - inner))}"


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*shape: int, axis: int | None = None, by: float = 1.0, up: float = 1.0) -> dict[str, Any]:
        p = softmax_forward(by * rng.standard_normal(shape), -1 if axis is None else axis)[0]
        return {"dp": up * rng.standard_normal(shape), "p": p} | ({} if axis is None else {"axis": axis})

    yield Given("a matrix, along the last axis", given(3, 5))
    yield Given("a matrix, along axis 0", given(4, 3, axis=0))
    yield Given("four axes, along the second", given(2, 3, 4, 5, axis=1))
    yield Given("three axes, axis -2", given(3, 4, 2, axis=-2))
    yield Given("a square matrix", given(4, 4))
    yield Given("a square matrix, along axis 0", given(3, 3, axis=0))
    yield Given("one row", given(6))
    yield Given("a slice of one weight", given(3, 1))
    yield Given("nearly one-hot weights", given(3, 4, by=6.0))
    yield Given("nearly equal weights", given(3, 4, by=1e-4))
    yield Given("a tiny gradient", given(3, 4, up=1e-8))
    yield Given("a large gradient", given(3, 4, up=1e6))
    p = softmax_forward(rng.standard_normal((2, 4)))[0]
    yield Given("a gradient of ones", {"dp": np.ones((2, 4)), "p": p})
    yield Given(
        "blocked keys, weight 0", {"dp": rng.standard_normal((2, 3)), "p": np.array([[0.4, 0.0, 0.6], [0, 0, 0]])}
    )
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(3, 4).items()})
    for about, (shape, along, by, (up, to), blocked, dtype) in crossed(
        SHAPES, AXES, {"": 1.0, "sharp weights": 4.0, "even weights": 0.0},
        {"": (1.0, 0.0), "a tiny gradient": (1e-7, 0.0), "a large gradient": (1e5, 0.0), "gradients below 0": (1.0, -5.0)},
        {"": False, "a weight of 0": True}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        scores, axis = by * rng.standard_normal(shape), along(len(shape))
        if blocked:
            scores.flat[-1] = -np.inf
        p = softmax_forward(scores, **axis)[0]
        yield Given(about, {"dp": (up * rng.standard_normal(shape) + to).astype(dtype), "p": p.astype(dtype)} | axis)

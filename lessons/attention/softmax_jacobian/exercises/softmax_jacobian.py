"""Softmax and its Jacobian."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.softmax import softmax_jacobian as library

exercise = Exercise(
    "softmax-jacobian",
    "Softmax and its Jacobian",
    step="the_matrix",
    level=1,
    rules=[
        "x is (..., S). p is softmax(x / temperature) along the last axis; temperature is above 0, and 1 unless told.",
        "jacobian[..., i, j] is the derivative of p[..., i] for x[..., j]: for x, not for x / temperature.",
        "x may be as large as 10,000, and stays as it is.",
    ],
    hints=[
        "p_i holds x_i above and below the line, and x_j below it only. So which two cases are there?",
        "Both cases in one line: p_i (delta_ij - p_j), where delta_ij is 1 if i = j and 0 otherwise.",
        "x is divided by the temperature before softmax. What does the chain rule add?",
    ],
    learned="diag(p) - p p^T, over the temperature: symmetric, and each row sums to 0.",
    results=["p: (..., S)", "jacobian: (..., S, S)"],
)


@exercise.stub
def softmax_and_jacobian(x, temperature=1.0):
    """Softmax along the last axis, and how each of its numbers moves with each number of x.

    x: (..., S) -> p: (..., S), jacobian: (..., S, S), [..., i, j] = dp_i / dx_j
    """
    ...


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise.solution
def solution(x: Any, temperature: float = 1.0) -> Any:
    e = np.exp((x - x.max(axis=-1, keepdims=True)) / temperature)
    p = e / e.sum(axis=-1, keepdims=True)
    delta = np.eye(x.shape[-1])
    return p, p[..., :, None] * (delta - p[..., None, :]) / temperature  # (..., S, 1) (S, S) - (..., 1, S)


@exercise.truth
def truth(x: Any, temperature: float = 1.0) -> Any:
    p = softmax_forward(x / temperature)[0]
    return p, library(p) / temperature


@exercise.equal
def by_complex_steps(x: Any, temperature: float = 1.0) -> Any:
    """One number of each row moves by i 10^-30; what the imaginary part becomes is the derivative."""
    moved = x[..., None, :] + 1e-30j * np.eye(x.shape[-1])  # (..., j, S)
    p = softmax(moved / temperature)
    return p[..., 0, :].real, np.swapaxes(p.imag / 1e-30, -1, -2)


@exercise.equal
def entry_by_entry(x: Any, temperature: float = 1.0) -> Any:
    logs = x / temperature - np.logaddexp.reduce(x / temperature, axis=-1, keepdims=True)
    p, found = np.exp(logs), np.zeros((*x.shape, x.shape[-1]))
    for at in np.ndindex(*x.shape):
        for j in range(x.shape[-1]):
            other = p[(*at[:-1], j)]
            found[(*at, j)] = (p[at] * (1 - other) if j == at[-1] else -p[at] * other) / temperature
    return p, found


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    yield Given("one row", {"x": n(4)})
    yield Given("three rows of five", {"x": n((3, 5))})
    yield Given("two axes in front", {"x": n((2, 3, 4))})
    yield Given("as many rows as columns", {"x": n((3, 3))})
    yield Given("as many texts, rows and columns", {"x": n((2, 2, 2))})
    yield Given("two numbers", {"x": n((3, 2))})
    yield Given("one number in each row", {"x": n((3, 1))})
    yield Given("one row with an axis in front", {"x": n((1, 6))})
    yield Given("equal numbers", {"x": np.full((2, 4), 0.7)})
    yield Given("a saturated row", {"x": np.array([[20.0, 0, -3], [1.0, 2, 3]])})
    yield Given("numbers of thousands", {"x": np.array([[9000.0, 9001, 8999, 0], [-9000.0, -9001, -9001.5, -9999]])})
    yield Given("tiny numbers", {"x": 1e-6 * n((2, 5))})
    yield Given("temperature 0.5", {"x": n((3, 4)), "temperature": 0.5})
    yield Given("temperature 3, two axes in front", {"x": n((2, 2, 5)), "temperature": 3.0})
    yield Given("a cold row", {"x": n(5), "temperature": 0.05})
    yield Given("thousands, a hot row", {"x": 3000 * n((2, 4)), "temperature": 2000.0})
    yield Given("rows of different height", {"x": n((4, 3)) + 5.0 * np.arange(4)[:, None]})
    yield Given("float32", {"x": (40 + n((2, 3, 5))).astype(np.float32), "temperature": 1.5})
    for about, (shape, temperature, like, dtype) in crossed(
        {"4": (4,), "3 x 5": (3, 5), "2 x 3 x 4": (2, 3, 4), "3 x 3": (3, 3), "1 x 4": (1, 4), "3 x 1": (3, 1)},
        {"": {}, "temperature 0.5": {"temperature": 0.5}, "temperature 3": {"temperature": 3.0}},
        {"": lambda x: x, "large numbers": lambda x: 40 * x, "tiny numbers": lambda x: x / 1e4, "near -50": lambda x: x - 50,
         "equal numbers": lambda x: 0 * x + 2, "one above all": lambda x: x + 9.0 * (np.arange(x.shape[-1]) == 0)},
        {"": float, "float32": np.float32},
    ):  # fmt: skip
        yield Given(about, {"x": like(n(shape)).astype(dtype)} | temperature)

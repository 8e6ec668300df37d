"""GELU, exact and with tanh."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.feed_forward.activations import gelu_forward, gelu_tanh_forward

exercise = Exercise(
    "gelu",
    "GELU, exact and with tanh",
    step="bends",
    level=1,
    exact=1e-8,  # Megatron writes sqrt(2 / pi) as 0.79788456: that is no mistake
    rules=[
        "form is exact or tanh, exact unless told.",
        "Exact: x times the share of normal draws below x, (1 + erf(x / sqrt(2))) / 2.",
        "tanh: x times (1 + tanh(u)) / 2, with u = sqrt(2 / pi) * (x + 0.044715 x^3).",
        "x has any shape and numbers up to 1,000; the result has the same shape. x stays as it is.",
    ],
    hints=[
        "math.erf takes one number; np.vectorize(math.erf) takes a whole array.",
        "What is the share of draws below 0, and below 1? So what are GELU(0) and GELU(1)?",
        "In the tanh form: what is inside the bracket that sqrt(2 / pi) stands in front of?",
    ],
    learned="a number times the chance that a normal draw lies below it; tanh of a cubic comes close to that.",
    results=["y: (...)"],
)


@exercise.stub
def gelu(x, form="exact"):
    """x times the share of normal draws below x, or its approximation by tanh.

    x: (...), form: "exact" or "tanh" -> (...)
    """
    ...


@exercise.solution
def solution(x: Any, form: str = "exact") -> Any:
    if form == "tanh":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))


@exercise.truth
def truth(x: Any, form: str = "exact") -> Any:
    return (gelu_tanh_forward if form == "tanh" else gelu_forward)(x)[0]


@exercise.equal
def from_the_upper_tail(x: Any, form: str = "exact") -> Any:
    """One number at a time, in plain floats: erfc, and the sigmoid of 2 u."""

    def one(number: float) -> float:
        if form == "exact":
            return number * math.erfc(-number / math.sqrt(2)) / 2
        u = math.sqrt(2 / math.pi) * number * (1 + 0.044715 * number * number)
        return number / (1 + math.exp(min(-2 * u, 700.0)))

    return np.array([one(number) for number in x.ravel().tolist()]).reshape(x.shape)


@cache
def legendre() -> tuple[Any, Any]:
    """60 places between -1 and 1, and what each counts in a sum that stands for an integral."""
    return np.polynomial.legendre.leggauss(60)


@exercise.equal
def summed_up(x: Any, form: str = "exact") -> Any:
    """The bell curve is summed from 0 to x, by Gauss and Legendre, and tanh is a quotient of exponentials."""
    if form == "tanh":
        e = np.exp(2 * np.clip(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x), -300, 300))
        return x / 2 + x / 2 * (e - 1) / (e + 1)
    places, shares = legendre()
    end = np.clip(x.astype(float), -9, 9)[..., None] / 2
    bell = np.exp(-((end * (places + 1)) ** 2) / 2) / np.sqrt(2 * np.pi)
    return x * (0.5 + (bell * shares * end).sum(axis=-1))


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    for form, more in (("exact", {}), ("tanh", {"form": "tanh"})):
        yield Given(f"{form}: two texts of three tokens", {"x": n((2, 3, 5))} | more)
        yield Given(f"{form}: a square", {"x": 2 * n((3, 3))} | more)
        yield Given(f"{form}: one number", {"x": np.array([1.0])} | more)
        yield Given(f"{form}: four axes", {"x": n((2, 1, 3, 2))} | more)
        yield Given(f"{form}: 0, and numbers near it", {"x": np.array([0.0, 1e-3, -1e-3, 0.1, -0.1])} | more)
        yield Given(f"{form}: numbers from -6 to 6", {"x": np.linspace(-6, 6, 25)} | more)
        yield Given(f"{form}: large numbers", {"x": np.array([[300.0, -300.0, 1000.0], [-1000.0, 12.0, -40.0]])} | more)
        yield Given(f"{form}: numbers below 0", {"x": -np.abs(n((4, 2)))} | more)
        yield Given(f"{form}: asked for", {"x": n((3, 2)), "form": form})
        yield Given(f"{form}: float32", {"x": (3 * n((2, 7))).astype(np.float32)} | more)
    for about, (shape, by, to, asked, dtype) in crossed(
        {"5": (5,), "1": (1,), "3 x 4": (3, 4), "3 x 1": (3, 1), "1 x 3": (1, 3), "2 x 2 x 2": (2, 2, 2), "2 x 3 x 1 x 4": (2, 3, 1, 4)},
        {"": 1.0, "size 0.01": 0.01, "size 3": 3.0, "size 100": 100.0}, {"": 0.0, "above 0": 2.0, "below 0": -2.0},
        {"": {}, "tanh": {"form": "tanh"}, "exact asked for": {"form": "exact"}}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        x = by * (np.abs(n(shape)) * np.sign(to) if to else n(shape))
        yield Given(about, {"x": x.astype(dtype)} | asked)

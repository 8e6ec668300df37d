"""Rotary positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise, Given
from tfx.ops.positions.rotary import rotary_forward, rotary_tables

exercise = Exercise(
    "rope",
    "Rotary positions (RoPE)",
    rules=[
        "x is (..., T, D), D even: queries or keys of a head. Row t has the place start + t.",
        "Pairs are neighbours: columns 2 i and 2 i + 1, a and b, become a cos - b sin and a sin + b cos.",
        "The angle of pair i is place / base^(2 i / D).",
        "x stays as it is, and the result has its shape.",
    ],
    hints=[
        "A turn of (a, b) by an angle: which sign has b sin in the first number?",
        "x[..., 0::2] and x[..., 1::2] are the two halves of all pairs.",
        "Turn q at place 7 and k at place 4: on which number alone may their dot product depend?",
    ],
    learned="each pair is turned by its place times its speed, so that a score sees the difference of places alone.",
    results=["y: (..., T, D)"],
    step="turn_them",
)


@exercise.stub
def rope(x, base=10000.0, start=0):
    """Turns each pair (x[2 i], x[2 i + 1]) of row t by (start + t) / base^(2 i / D).

    x: (..., T, D) -> (..., T, D)
    """
    ...


@exercise.solution
def solution(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    t, d = x.shape[-2:]
    angles = np.arange(start, start + t)[:, None] / base ** (2 * np.arange(d // 2) / d)  # (T, D / 2)
    cos, sin = np.cos(angles), np.sin(angles)
    a, b = x[..., 0::2], x[..., 1::2]
    y = np.empty(x.shape)
    y[..., 0::2], y[..., 1::2] = a * cos - b * sin, a * sin + b * cos
    return y


@exercise.truth
def truth(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    t, d = x.shape[-2:]
    cos, sin = rotary_tables(np.arange(start, start + t), d, base)
    return rotary_forward(np.asarray(x, float), cos, sin, "pairs")[0]


@exercise.equal
def as_complex_numbers(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    t, d = x.shape[-2:]
    angles = np.arange(start, start + t)[:, None] * base ** (-np.arange(0, d, 2) / d)
    turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    yield Given("one head", {"x": n((5, 8))})
    yield Given("batch and heads", {"x": n((2, 3, 4, 6))})
    yield Given("T = D", {"x": n((4, 4))})
    yield Given("width 2", {"x": n((5, 2))})
    yield Given("one token", {"x": n((2, 1, 6))})
    yield Given("one token, place 9", {"x": n((1, 8)), "start": 9})
    yield Given("from place 5 on", {"x": n((3, 6)), "start": 5})
    yield Given("base 100", {"x": n((4, 8)), "base": 100.0})
    yield Given("base and start", {"x": n((2, 3, 10)), "base": 500.0, "start": 3})
    yield Given("width 64", {"x": n((3, 64))})
    yield Given("100 tokens", {"x": n((100, 4))})
    yield Given("large numbers", {"x": 1e4 * n((3, 6))})
    yield Given("H = T", {"x": n((3, 3, 4))})
    yield Given("float32", {"x": n((2, 4, 6)).astype(np.float32)})

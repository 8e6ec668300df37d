"""Rotary positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number
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


@exercise.steps
def steps(x: Any, base: float = 10000.0, start: int = 0) -> dict[str, Any]:
    t, d = x.shape[-2:]
    angles = np.arange(start, start + t)[:, None] / base ** (2 * np.arange(d // 2) / d)
    a, b, cos, sin = x[..., 0::2], x[..., 1::2], np.cos(angles), np.sin(angles)
    y = np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)
    return {
        "angles: (T, D / 2)": [angles, np.repeat(angles, 2, axis=-1)],
        "cos: of the angles": [cos, np.repeat(cos, 2, axis=-1)],
        "sin: of the angles": [sin, np.repeat(sin, 2, axis=-1)],
        "a: the first of each pair": a,
        "b: the second of each pair": b,
        "y: the pairs, turned": y,
    }


@exercise.cell
def angles(at: tuple[int, ...], x: Any, base: float = 10000.0, start: int = 0) -> str:
    (row, pair), d = at, x.shape[-1]
    return f"{start + row} / {base:g}^({2 * pair} / {d}) = {number((start + row) / base ** (2 * pair / d))}"


@exercise.cell
def y(at: tuple[int, ...], x: Any, base: float = 10000.0, start: int = 0) -> str:
    row, pair, d = at[-2], at[-1] // 2, x.shape[-1]
    a, b = x[(*at[:-1], 2 * pair)], x[(*at[:-1], 2 * pair + 1)]
    angle = (start + row) / base ** (2 * pair / d)
    cos, sin = np.cos(angle), np.sin(angle)
    return by_hand((a, sin), (b, cos)) if at[-1] % 2 else by_hand((a, cos), (b, -sin))


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
    for about, (front, t, d, by, dtype, base, start) in crossed(
        {"": (), "2 texts": (2,), "one text": (1,), "2 texts, 3 heads": (2, 3), "1 text, 2 heads": (1, 2), "3 texts, 1 head": (3, 1),
         "3 x 1 x 2": (3, 1, 2), "4 x 2": (4, 2)},
        {"one token": 1, "2 tokens": 2, "3 tokens": 3, "4 tokens": 4, "6 tokens": 6, "70 tokens": 70},
        {"D 2": 2, "D 4": 4, "D 6": 6, "D 8": 8, "D 16": 16},
        {"": 1.0, "tiny": 1e-4, "large": 1e4, "above 0": 0.0},
        {"": float, "float32": np.float32},
        {"": {}, "base 100": {"base": 100.0}, "base 2": {"base": 2.0}, "base 10^6": {"base": 1e6}},
        {"": {}, "from 0 on": {"start": 0}, "from 1 on": {"start": 1}, "from 2 on": {"start": 2}, "from 5 on": {"start": 5},
         "from 11 on": {"start": 11}, "from 1000 on": {"start": 1000}},
    ):  # fmt: skip
        x = by * n((*front, t, d)) if by else 1 + rng.random((*front, t, d))
        yield Given(about, {"x": x.astype(dtype)} | base | start)
    for about, (shape, by, dtype, base, start) in crossed(
        {"all sizes 4": (4, 4, 4), "T = D = 6": (2, 6, 6), "T = heads = 3": (2, 3, 3, 8), "D = heads = 4": (1, 4, 3, 4), "T above D": (3, 5, 2),
         "more texts than T and D": (5, 4, 1, 2)},
        {"": 1.0, "small": 1e-4, "large": 1e4, "the same number everywhere": 0.0},
        {"": float, "float32": np.float32},
        {"": {}, "base 30": {"base": 30.0}, "base 10^5": {"base": 1e5}},
        {"": {}, "from 0 on": {"start": 0}, "from 1 on": {"start": 1}, "from 4 on": {"start": 4}, "from 700 on": {"start": 700}},
    ):  # fmt: skip
        x = by * n(shape) if by else np.full(shape, 1.5)
        yield Given(about, {"x": x.astype(dtype)} | base | start)

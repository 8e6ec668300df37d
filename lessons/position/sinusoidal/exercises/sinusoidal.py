"""Sinusoidal positions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.positions.positions import sinusoidal_positions

exercise = Exercise(
    "sinusoidal",
    "Sinusoidal positions",
    level=1,
    rules=[
        "Places are counted from start, 0 unless told; the table has n rows of c numbers, c even.",
        "Columns 2 i and 2 i + 1 hold sine and cosine of place / base^(2 i / c).",
        "The table is made of floats in float64.",
    ],
    hints=[
        "Which columns hold sines, which cosines?",
        "How quickly does the pair i turn? base^(2 i / c) is what the place is divided by: i counts pairs, not columns.",
        "np.arange(start, start + n)[:, None] against a row of speeds gives all angles at once.",
    ],
    learned="pair i turns at the speed base^(-2 i / c); sine and cosine stand side by side.",
    results=["table: (n, C)"],
    step="the_formula",
)


@exercise.stub
def positions(n, c, base=10000.0, start=0):
    """PE[p, 2 i] = sin(p / base^(2 i / c)), PE[p, 2 i + 1] = cos of the same angle.

    p = start, start + 1, ... -> (n, c)
    """
    ...


@exercise.solution
def solution(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    angles = np.arange(start, start + n)[:, None] / base ** (2 * np.arange(c // 2) / c)  # (n, C / 2)
    table = np.empty((n, c))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


@exercise.truth
def truth(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    return sinusoidal_positions(n, c, base=base, start=start)


@exercise.equal
def one_by_one(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Plain floats, and the speeds from a logarithm."""
    rows = []
    for place in range(start, start + n):
        row: list[float] = []
        for i in range(0, c, 2):
            angle = place * math.exp(-math.log(base) * i / c)
            row += [math.sin(angle), math.cos(angle)]
        rows.append(row)
    return rows


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    yield Given("six places, width 8", {"n": 6, "c": 8})
    yield Given("as many places as columns", {"n": 6, "c": 6})
    yield Given("width 2", {"n": 5, "c": 2})
    yield Given("one place, the first", {"n": 1, "c": 4})
    yield Given("two places, width 12", {"n": 2, "c": 12})
    yield Given("width 64", {"n": 3, "c": 64})
    yield Given("200 places", {"n": 200, "c": 6})
    yield Given("base 100", {"n": 7, "c": 8, "base": 100.0})
    yield Given("base 2", {"n": 4, "c": 6, "base": 2.0})
    yield Given("places from 5 on", {"n": 4, "c": 8, "start": 5})
    yield Given("places from 1 on", {"n": 4, "c": 6, "start": 1})
    yield Given("base and start", {"n": 3, "c": 10, "base": 500.0, "start": 11})
    for about, (n, c, base, start) in crossed(
        {"one place": 1, "2 places": 2, "3": 3, "5": 5, "6": 6, "8": 8, "13": 13, "120": 120},
        {"width 2": 2, "width 4": 4, "6 wide": 6, "8 wide": 8, "10 wide": 10, "16 wide": 16, "130 wide": 130, "132 wide": 132},
        {"": {}, "base 10,000": {"base": 10000.0}, "base 100": {"base": 100.0}, "base 2": {"base": 2.0}, "base 10^6": {"base": 1e6}},
        {"": {}, "from 0 on": {"start": 0}, "from 1 on": {"start": 1}, "from 2 on": {"start": 2}, "from n on": {"start": -1},
         "from 8 on": {"start": 8}, "from 11 on": {"start": 11}, "from 1000 on": {"start": 1000}},
    ):  # fmt: skip
        yield Given(about, {"n": n, "c": c} | base | ({"start": n} if start.get("start") == -1 else start))
    for about, (width, base, start) in crossed(
        {"n = c = 4": 4, "n = c = 6": 6, "n = c = 8": 8},
        {"": {}, "base 10,000": {"base": 10000.0}, "base 20": {"base": 20.0}, "base 10^5": {"base": 1e5}},
        {"": {}, "from 0 on": {"start": 0}, "from 1 on": {"start": 1}, "from 3 on": {"start": 3}, "from n on": {"start": -1},
         "from 500 on": {"start": 500}},
    ):  # fmt: skip
        yield Given(about, {"n": width, "c": width} | base | ({"start": width} if start.get("start") == -1 else start))

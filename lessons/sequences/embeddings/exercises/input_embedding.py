"""What the first layer reads: a row of the table for each token, scaled, and its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.basics.embedding import embedding_forward
from tfx.ops.positions.positions import add_positions_forward

exercise = Exercise(
    "input-embedding",
    "From token ids to the first layer",
    step="the_input",
    level=1,
    rules=[
        "ids are (..., T) whole numbers from 0 to V - 1, table is (V, C), positions (M, C), and M is at least start + T.",
        "Rows of the table are multiplied by sqrt(C), unless scaled is False; rows of positions never are.",
        "The first token of every text stands at the place start, 0 unless told; places are counted from 0.",
        "There is no dropout and no norm. ids, table and positions stay as they are.",
    ],
    hints=[
        "What does table[ids] give, when ids has two axes?",
        "Which of the two, the token's row or its place's row, gets longer by the factor, and by which?",
        "Which rows of positions belong to T tokens from start on? Are they the same for every text?",
    ],
    learned="table[ids] * sqrt(C) + positions[start : start + T]: the factor lifts tokens to the size of places.",
    results=["x: (..., T, C)"],
)


@exercise.stub
def input_embedding(ids, table, positions, start=0, scaled=True):
    """Every token's row of the table, times sqrt(C), plus the row of its place.

    ids: (..., T), table: (V, C), positions: (M, C) -> (..., T, C)
    """
    ...


@exercise.solution
def solution(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    rows = table[ids]  # (..., T) picks rows of (V, C) -> (..., T, C)
    if scaled:
        rows = rows * np.sqrt(table.shape[-1])
    return rows + positions[start : start + ids.shape[-1]]  # (T, C), the same for every text


@exercise.truth
def truth(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    rows = embedding_forward(ids, table)[0]
    return add_positions_forward(rows * table.shape[-1] ** 0.5 if scaled else rows, positions, start)[0]


@exercise.equal
def by_one_hot_rows(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Two products: with a 1 at the token, and with a 1 at the place."""
    (v, c), m, t = table.shape, len(positions), ids.shape[-1]
    tokens = (ids[..., None] == np.arange(v)).astype(float)
    places = (np.arange(start, start + t)[:, None] == np.arange(m)).astype(float)
    return tokens @ (table * (c**0.5 if scaled else 1.0)) + places @ positions


@exercise.equal
def number_by_number(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Plain floats."""
    table, positions, c = table.tolist(), positions.tolist(), table.shape[-1]
    factor, t = c**0.5 if scaled else 1.0, ids.shape[-1]
    rows = [
        [factor * token + place for token, place in zip(table[id_], positions[start + n % t], strict=True)]
        for n, id_ in enumerate(ids.ravel().tolist())
    ]
    return np.array(rows).reshape(*ids.shape, c)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*shape: int, v: int, m: int, c: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        table, positions = by * rng.standard_normal((v, c)), rng.standard_normal((m, c))
        return {"ids": rng.integers(0, v, shape), "table": table, "positions": positions} | more

    yield Given("two texts of three tokens", given(2, 3, v=7, m=5, c=6))
    yield Given("one text without an axis for it", given(4, v=9, m=6, c=3))
    yield Given("three axes", given(2, 3, 4, v=5, m=7, c=6))
    yield Given("as many texts as tokens", given(3, 3, v=6, m=5, c=4))
    yield Given("T = C, M = T", given(2, 4, v=6, m=4, c=4))
    yield Given("V = M = C", given(2, 3, v=5, m=5, c=5))
    yield Given("one token", given(3, 1, v=6, m=4, c=5))
    yield Given("one text", given(1, 5, v=8, m=9, c=3))
    yield Given("width 1", given(2, 3, v=4, m=5, c=1))
    yield Given("width 64", given(2, 3, v=4, m=5, c=64))
    yield Given("the same token everywhere", {**given(2, 4, v=5, m=6, c=3), "ids": np.full((2, 4), 2)})
    yield Given("first and last row of the table", {**given(2, 2, v=5, m=6, c=3), "ids": np.array([[4, 0], [0, 4]])})
    yield Given("places from 3 on", given(2, 4, v=6, m=9, c=5, start=3))
    yield Given("places from 2 on, to the last", given(2, 4, v=6, m=6, c=5, start=2))
    yield Given("not scaled", given(2, 3, v=6, m=5, c=4, scaled=False))
    yield Given("not scaled, places from 1 on", given(2, 3, v=6, m=5, c=4, scaled=False, start=1))
    yield Given("scaled and start 0, asked for", given(2, 3, v=6, m=5, c=4, scaled=True, start=0))
    yield Given("a table of small numbers", given(2, 3, v=6, m=5, c=16, by=0.02))
    small = given(2, 3, v=6, m=5, c=4)
    yield Given("float32", {k: one if k == "ids" else one.astype(np.float32) for k, one in small.items()})
    yield Given("one place, not scaled", given(1, 1, v=3, m=1, c=4, scaled=False))
    yield Given("more texts than places, not scaled", given(4, 4, 2, v=2, m=3, c=4, scaled=False, start=1))
    for about, (shape, v, c, spare, by, places, dtype, start, scaled) in crossed(
        {"4 tokens": (4,), "one token": (1,), "2 x 3": (2, 3), "3 x 3": (3, 3), "1 x 5": (1, 5), "3 x 1": (3, 1), "4 x 2": (4, 2),
         "1 x 1": (1, 1), "2 x 3 x 4": (2, 3, 4), "1 x 1 x 2": (1, 1, 2), "2 x 1 x 3": (2, 1, 3), "3 x 2 x 2": (3, 2, 2)},
        {"V 5": 5, "V 1": 1, "V 2": 2, "V 9": 9},
        {"C 3": 3, "C 1": 1, "C 2": 2, "C 4": 4, "C 5": 5, "C 9": 9, "C 16": 16},
        {"": 3, "no place left over": 0, "one left over": 1},
        {"": 1.0, "a table of small numbers": 0.01, "of large numbers": 100.0},
        {"": 1.0, "small places": 0.01, "large places": 100.0, "places of 0": 0.0},
        {"": float, "float32": np.float32},
        {"": {}, "from 0 on": {"start": 0}, "from 1 on": {"start": 1}, "from 2 on": {"start": 2}, "from 3 on": {"start": 3},
         "from 4 on": {"start": 4}, "from 5 on": {"start": 5}},
        {"": {}, "scaled": {"scaled": True}, "not scaled": {"scaled": False}},
    ):  # fmt: skip
        one = given(*shape, v=v, m=start.get("start", 0) + shape[-1] + spare, c=c, by=by)
        one["positions"] = places * one["positions"]
        yield Given(about, {k: a if k == "ids" else a.astype(dtype) for k, a in one.items()} | start | scaled)
    for about, (shape, v, c, m, by, places, dtype, start, scaled) in crossed(
        {"2 texts": (2, 3), "3 texts": (3, 3), "4 texts": (4, 2), "3 x 3 x 2": (3, 3, 2), "no axis for texts": (3,)},
        {"V 3": 3, "V 4": 4, "V 6": 6}, {"C 3": 3, "C 4": 4, "C 6": 6}, {"M 3": 3, "M 4": 4, "M 6": 6},
        {"": 1.0, "small rows": 0.01, "large rows": 100.0}, {"": 1.0, "small places": 0.01, "large places": 100.0},
        {"": float, "float32": np.float32}, {"": 0, "from 1 on": 1}, {"": True, "not scaled": False},
    ):  # fmt: skip
        one = given(*shape, v=v, m=max(m, start + shape[-1]), c=c, by=by, start=start, scaled=scaled)
        one |= {"table": one["table"].astype(dtype), "positions": (places * one["positions"]).astype(dtype)}
        yield Given(about, one)

"""A token is drawn, with a temperature."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np

from lessons.generating.sampling.exercises.top_k import LOGITS, SHAPES
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.generate.draws import Draws
from tfx.generate.shaping import probabilities_of
from tfx.generate.shaping import temperature as heated

exercise = Exercise(
    "draw-token",
    "Draw a token, with a temperature",
    step="drawing",
    autograd=False,
    level=1,
    rules=[
        "logits is (..., V), temperature 0 or more, 1 unless told; the probabilities are softmax(logits / temperature).",
        "u is (...), one number from 0 up to 1 for each row, 1 not included. The ids stay in their order 0, 1, 2 ...: the "
        "token is the first one up to which the probabilities, its own included, sum to more than u.",
        "Temperature 0 takes the largest logit, of equal ones the one with the lower id; u is not used then.",
        "A logit may be -inf, and that token is never drawn. Logits may be as large as 10,000.",
        "logits and u stay as they are.",
    ],
    hints=[
        "Which function makes running sums of the probabilities of each row?",
        "How many of the running sums are at most u? That number is an id.",
        "What is left of softmax when the temperature goes to 0? It needs no division then.",
    ],
    learned="running sums cut 0 to 1 into pieces as long as the probabilities, and u falls into one of them.",
    results=["ids: (...)"],
)


@exercise.stub
def draw_token(logits, u, temperature=1.0):
    """For each row the id that the uniform number u stands for.

    logits: (..., V), u: (...), 0 <= u < 1, temperature: 0 or more -> ids: (...), whole numbers
    """
    ...


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise.solution
def solution(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    if temperature == 0:
        return logits.argmax(axis=-1)  # the first of equal ones
    e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    sums = np.cumsum(e / e.sum(axis=-1, keepdims=True), axis=-1)
    return (sums <= u[..., None]).sum(axis=-1)


class Told(Draws):
    """Draws whose uniform number is told."""

    def __init__(self, u: float) -> None:
        self.u = u
        self._rng = self  # type: ignore[assignment]

    def random(self) -> float:
        return self.u


@exercise.truth
def truth(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    rows = logits.reshape(-1, logits.shape[-1])
    if temperature == 0:
        ids = [int(np.flatnonzero(row == row.max())[0]) for row in rows]
    else:
        p = probabilities_of(heated(rows.astype(float), temperature))
        ids = [Told(float(one)).token(row) for one, row in zip(u.ravel(), p, strict=True)]
    return np.array(ids).reshape(u.shape)


@exercise.equal
def in_plain_numbers(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Lists; weights are not divided by their sum, u is multiplied by it."""
    ids = []
    for row, one in zip(logits.reshape(-1, logits.shape[-1]).tolist(), u.ravel().tolist(), strict=True):
        if temperature == 0:
            ids.append(row.index(max(row)))
        else:
            sums = list(accumulate(math.exp((x - max(row)) / temperature) for x in row))
            ids.append(bisect_right(sums, one * sums[-1]))
    return np.reshape(ids, u.shape).tolist()


@exercise.equal
def by_what_lies_before(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The id whose piece begins at or below u and ends above it."""
    if temperature == 0:
        return np.argsort(-logits, axis=-1, kind="stable")[..., 0]
    p = softmax(logits / temperature)
    before = np.einsum("...v,vw->...w", p, np.triu(np.ones((p.shape[-1],) * 2), 1))
    return ((before <= u[..., None]) & (u[..., None] < before + p)).argmax(axis=-1)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    """No u lies so near to a running sum that rounding decides (tests/lessons/practice/test_variants_drawing.py)."""
    n = rng.standard_normal

    def given(*shape: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        return {"logits": by * n(shape), "u": rng.random(shape[:-1])} | more

    yield Given("many rows", given(40, 6))
    yield Given("two axes in front", given(3, 5, 7))
    yield Given("one row without an axis in front", {"logits": n(5), "u": np.array(0.61)})
    yield Given("as many rows as tokens", given(6, 6))
    yield Given("one row", given(1, 5))
    yield Given("one token", given(4, 1))
    yield Given("u is 0", {"logits": n((3, 4)), "u": np.zeros(3)})
    yield Given("u is nearly 1", {"logits": n((3, 4)), "u": np.full(3, 1 - 1e-6)})
    yield Given("the same row for many u", {"logits": np.tile(n(5), (30, 1)), "u": (np.arange(30) + 0.5) / 30})
    yield Given("a low temperature", given(20, 6, temperature=0.4))
    yield Given("a high temperature", given(20, 6, by=3.0, temperature=5.0))
    yield Given("a high temperature, two axes in front", given(2, 6, 4, by=3.0, temperature=2.0))
    yield Given("temperature 0", given(4, 5, temperature=0.0))
    ties = np.array([[1.0, 3, 3, 0], [2.0, 2, 2, 2], [0.0, 1, -1, 1]])
    yield Given("temperature 0, equal logits", {"logits": ties, "u": np.array([0.9, 0.3, 0.4]), "temperature": 0.0})
    out = n((8, 5))
    out[:, 0], out[::2, 3] = -np.inf, -np.inf
    yield Given("some ruled out", {"logits": out, "u": rng.random(8)})
    yield Given("the first ones ruled out, u is 0", {"logits": out[:3], "u": np.zeros(3)})
    large = np.array([[9000.0, 9001, 8999, 100], [-9000.0, -9001, -9001.5, -9999]])
    yield Given("large logits", {"logits": large, "u": np.array([0.2, 0.7])})
    yield Given("all logits equal", {"logits": np.full((6, 4), 0.5), "u": (np.arange(6) + 0.4) / 6})
    for temperature in (0.4, 1.0, 3.0):
        for told in (0.15, 0.5, 0.85):
            row = {"logits": 2 * n(6), "u": np.array(told), "temperature": temperature}
            yield Given(f"one row, temperature {temperature}, u = {told}", row)
    single = given(12, 6, temperature=0.7)
    yield Given("float32", {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in single.items()})
    for about, (shape, temperature, like, dtype) in crossed(
        SHAPES, {"": {}, "temperature 0": {"temperature": 0.0}, "temperature 0.4": {"temperature": 0.4},
                 "temperature 3": {"temperature": 3.0}}, LOGITS, {"": float, "float32": np.float32},
    ):  # fmt: skip
        logits = like(n(shape))
        p = softmax(logits / (temperature.get("temperature") or 1.0))
        drawn = (p * rng.random(shape)).argmax(axis=-1)[..., None]  # u falls into the middle of its piece
        end, own = (np.take_along_axis(one, drawn, axis=-1)[..., 0] for one in (np.cumsum(p, axis=-1), p))
        u = np.asarray(end - own * (0.2 + 0.6 * rng.random(shape[:-1])))
        yield Given(about, {"logits": logits.astype(dtype), "u": u.astype(dtype)} | temperature)

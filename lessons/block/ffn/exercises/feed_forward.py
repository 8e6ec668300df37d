"""The position-wise feed-forward network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.feed_forward.feed_forward import feed_forward_forward

exercise = Exercise(
    "feed-forward",
    "The feed-forward network",
    step="idea",
    level=1,
    rules=[
        "x is (..., C), w_1 (C, F), b_1 (F,), w_2 (F, C), b_2 (C,); vectors are rows: x @ w.",
        "Every token goes through the same two maps, by itself; the result has the shape of x.",
        "activation is relu or gelu, relu unless told. gelu is exact: x (1 + erf(x / sqrt(2))) / 2.",
        "There is no residual connection, no norm and no dropout. All arguments stay as they are.",
    ],
    hints=[
        "Two maps with a bend between them: which of the three things comes first, and how wide is a token there?",
        "np.maximum compares two arrays number by number; np.max looks for one number.",
        "Is there a bend behind the second map?",
    ],
    learned="widen by w_1, bend, narrow by w_2; each token alone, all by the same weights.",
    results=["y: (..., C)"],
)


@exercise.stub
def feed_forward(x, w_1, b_1, w_2, b_2, activation="relu"):
    """Two maps with a bend between them, for each token alone.

    x: (..., C), w_1: (C, F), b_1: (F,), w_2: (F, C), b_2: (C,), activation: "relu" or "gelu"
    -> (..., C)
    """
    ...


def bend(a: Any, activation: str) -> Any:
    return 0.5 * a * (1 + np.vectorize(math.erf)(a / np.sqrt(2))) if activation == "gelu" else np.maximum(a, 0)


@exercise.solution
def solution(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    a = x @ w_1 + b_1  # (..., C) (C, F) -> (..., F)
    if activation == "gelu":
        h = 0.5 * a * (1 + np.vectorize(math.erf)(a / np.sqrt(2)))
    else:
        h = np.maximum(a, 0)
    return h @ w_2 + b_2  # (..., F) (F, C) -> (..., C)


@exercise.truth
def truth(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    return feed_forward_forward(x, w_1, b_1, w_2, b_2, activation)[0]


@exercise.equal
def unit_by_unit(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """As a memory: hidden unit i has a key, a column of w_1, and adds its value, a row of w_2."""
    y = np.zeros(x.shape) + b_2
    for key, offset, value in zip(w_1.T, b_1, w_2, strict=True):
        fires = (x * key).sum(axis=-1) + offset
        if activation == "relu":
            fires = fires * (fires > 0)
        else:
            fires = np.reshape([one * math.erfc(-one / 2**0.5) / 2 for one in np.ravel(fires)], np.shape(fires))
        y += np.asarray(fires)[..., None] * value
    return y


@exercise.equal
def offsets_as_columns(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """A 1 behind every token, and the offsets as a row of the maps."""

    def affine(rows: Any, w: Any, b: Any) -> Any:
        return np.hstack([rows, np.ones((len(rows), 1))]) @ np.vstack([w, b])

    h = bend(affine(x.reshape(-1, x.shape[-1]), w_1, b_1), activation)
    return affine(h, w_2, b_2).reshape(x.shape)


def network(rng: np.random.Generator, *front: int, c: int, f: int, by: float = 1.0) -> dict[str, Any]:
    """Random arguments: x, the maps and their offsets."""
    n = rng.standard_normal
    maps = {"w_1": n((c, f)) / c**0.5, "b_1": n(f), "w_2": n((f, c)) / f**0.5, "b_2": n(c)}
    return {"x": by * n((*front, c))} | maps


def mixed(rng: np.random.Generator, *more: Any) -> Iterator[tuple[str, dict[str, Any], tuple[Any, ...]]]:
    """Words, arguments, and the values of further factors."""
    for about, (front, (c, f), by, (first, second), bend_of, dtype, *others) in crossed(
        {"": (2, 3), "one token": (), "3 tokens": (3,), "1 text of 1 token": (1, 1), "2 x 1 x 2 x 2": (2, 1, 2, 2)},
        {"C 4, F 7": (4, 7), "C 3, F 3": (3, 3), "C 1, F 4": (1, 4), "C 1, F 1": (1, 1), "C 4, F 2": (4, 2),
         "C 2, F 12": (2, 12)},
        {"": 1.0, "large x": 50.0, "tiny x": 1e-3}, {"": (1.0, 1.0), "no b_1": (0.0, 1.0), "no b_2": (1.0, 0.0), "large offsets": (8.0, 30.0)},
        {"": {}, "gelu": {"activation": "gelu"}, "relu asked for": {"activation": "relu"}}, {"": float, "float32": np.float32},
        *more,
    ):  # fmt: skip
        given = network(rng, *front, c=c, f=f, by=by)
        given["b_1"], given["b_2"] = first * given["b_1"], second * given["b_2"]
        yield about, {name: one.astype(dtype) for name, one in given.items()} | bend_of, tuple(others)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*front: int, c: int, f: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        return network(rng, *front, c=c, f=f, by=by) | more

    yield Given("two texts of three tokens", given(2, 3, c=4, f=7))
    yield Given("one token alone", given(c=4, f=6))
    yield Given("four axes", given(2, 3, 2, c=3, f=5))
    yield Given("F = C", given(2, 3, c=4, f=4))
    yield Given("T = C = F", given(3, c=3, f=3))
    yield Given("T = F", given(2, 5, c=3, f=5))
    yield Given("width 1", given(3, c=1, f=4))
    yield Given("one hidden unit", given(2, 3, c=4, f=1))
    yield Given("one token of a batch", given(1, 1, c=3, f=6))
    yield Given("large numbers", given(2, 3, c=4, f=8, by=100.0))
    yield Given("tiny numbers, where offsets count", given(2, 3, c=4, f=8, by=1e-4))
    yield Given("offsets of 0", {**given(2, 3, c=4, f=8), "b_1": np.zeros(8), "b_2": np.zeros(4)})
    yield Given("units that never fire", {**given(2, 3, c=4, f=8), "b_1": np.full(8, -50.0)})
    yield Given("gelu", given(2, 3, c=4, f=7, activation="gelu"))
    yield Given("gelu, F = C", given(4, c=3, f=3, activation="gelu"))
    yield Given("gelu, one token alone", given(c=5, f=8, activation="gelu"))
    yield Given("gelu, numbers that saturate it", given(2, 3, c=4, f=6, by=20.0, activation="gelu"))
    yield Given("relu, asked for", given(3, 2, c=2, f=8, activation="relu"))
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, c=6, f=9).items()})
    low = given(2, 3, c=4, f=5, by=0.1) | {"b_1": np.full(5, -2.2), "b_2": np.zeros(4)}
    small = {key: value.astype(np.float32) for key, value in low.items()}
    yield Given("gelu in float32, where it is below 0", small | {"activation": "gelu"})
    for about, one, _ in mixed(rng):
        yield Given(about, one)

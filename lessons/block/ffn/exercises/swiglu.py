"""The gated feed-forward network, SwiGLU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.feed_forward.gated_feed_forward import gated_feed_forward_forward

exercise = Exercise(
    "swiglu",
    "A gated feed-forward network: SwiGLU",
    step="bends",
    level=1,
    rules=[
        "x is (..., C), w_gate and w_up are (C, F), w_down is (F, C), without offsets. Vectors are rows: x @ w.",
        "hidden is SiLU(x w_gate) times x w_up, number by number; y is hidden w_down.",
        "SiLU(a) = a sigmoid(beta a), with beta 1 unless told.",
        "Numbers of thousands before the bend do not overflow, of either sign. All arguments stay as they are.",
    ],
    hints=[
        "Which of the two maps of x goes through SiLU, and which is left as it is?",
        "SiLU(a) is a / (1 + exp(-a)). What is exp(-a) for a = -5000? np.tanh never overflows.",
        "sigmoid(a) = (1 + tanh(a / 2)) / 2.",
    ],
    learned="one map of x, bent, decides how much of the other passes, and a third map brings it back to C.",
    results=["y: (..., C)", "hidden: (..., F)"],
)


@exercise.stub
def swiglu(x, w_gate, w_up, w_down, beta=1.0):
    """Two maps of x, of which one, bent, gates the other; then a map back.

    x: (..., C), w_gate, w_up: (C, F), w_down: (F, C) -> y: (..., C), hidden: (..., F)
    """
    ...


def sigmoid(a: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(a / 2)


@exercise.solution
def solution(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    a = x @ w_gate  # (..., C) (C, F) -> (..., F)
    silu = a * (0.5 + 0.5 * np.tanh(beta * a / 2))
    hidden = silu * (x @ w_up)
    return hidden @ w_down, hidden


@exercise.truth
def truth(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """beta a sigmoid(beta a) is SiLU(beta a): beta goes into w_gate, and 1 / beta into w_up."""
    y, cache = gated_feed_forward_forward(x, beta * w_gate, None, w_up / beta, None, w_down, None, "swiglu")
    return y, cache.hidden


@exercise.equal
def unit_by_unit(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """Each hidden unit by itself, in Python floats, and exp only of numbers below 0."""
    rows = x.reshape(-1, x.shape[-1]).astype(float)
    hidden = np.zeros((len(rows), w_gate.shape[1]))
    for at in np.ndindex(*hidden.shape):
        a, up = float(rows[at[0]] @ w_gate[:, at[1]]), float(rows[at[0]] @ w_up[:, at[1]])
        small = math.exp(-abs(beta * a))
        hidden[at] = a * (1 if beta * a > 0 else small) / (1 + small) * up
    y = np.einsum("nf,fc->nc", hidden, w_down)
    return y.reshape(*x.shape[:-1], -1), hidden.reshape(*x.shape[:-1], -1)


@exercise.equal
def both_maps_in_one(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """One wide product, and a sigmoid in log space."""
    a, up = np.split(x @ np.concatenate([w_gate, w_up], axis=1), 2, axis=-1)
    hidden = np.exp(-np.logaddexp(0, -beta * a)) * a * up
    return np.tensordot(hidden, w_down, axes=1), hidden


#: words -> axes in front, C and F;  beta;  the size of x
SHAPES = {
    "one vector": ((), 4, 5), "3 rows": ((3,), 3, 6), "2 x 3 rows": ((2, 3), 4, 7), "C = F": ((2, 1, 3), 5, 5),
    "all sizes 3": ((3,), 3, 3), "C = 1": ((2,), 1, 4), "F = 1": ((3,), 4, 1), "one row": ((1,), 6, 2),
}  # fmt: skip
BETAS: dict[str, dict[str, float]] = {"": {}, "beta 1.702": {"beta": 1.702}, "beta 0.3": {"beta": 0.3}}
SIZES = {"": 1.0, "small x": 1e-3, "large x": 4.0, "very large x": 50.0}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, c: int, f: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        maps = {"w_gate": n((c, f)), "w_up": n((c, f)), "w_down": n((f, c)) / f**0.5}
        return {"x": by * n((*front, c)), **maps} | more

    yield Given("a batch of texts, all sizes different", given(2, 3, c=4, f=7))
    yield Given("rows", given(5, c=3, f=6))
    yield Given("one vector", given(c=4, f=5))
    yield Given("three axes in front", given(2, 1, 3, c=4, f=6))
    yield Given("C = F", given(2, 3, c=5, f=5))
    yield Given("T = C = F", given(4, c=4, f=4))
    yield Given("C = 1", given(3, c=1, f=4))
    yield Given("F = 1", given(3, c=4, f=1))
    yield Given("F smaller than C", given(3, c=6, f=2))
    yield Given("small x", given(2, 3, c=4, f=6, by=1e-4))
    yield Given("large x", given(2, 3, c=4, f=6, by=10.0))
    yield Given("numbers of thousands before the bend", given(3, c=4, f=6, by=3000.0))
    yield Given("x of 0", given(2, c=4, f=3) | {"x": np.zeros((2, 4))})
    yield Given("beta 1.702", given(2, 3, c=4, f=6, beta=1.702))
    yield Given("beta 0.3, one vector", given(c=5, f=4, beta=0.3))
    yield Given("beta 20, large x", given(3, c=4, f=5, by=30.0, beta=20.0))
    single = given(2, 3, c=5, f=4)
    yield Given("float32", {key: value.astype(np.float32) for key, value in single.items()})
    for about, ((front, c, f), beta, by, dtype) in crossed(SHAPES, BETAS, SIZES, {"": float, "float32": np.float32}):
        one = given(*front, c=c, f=f, by=by)
        yield Given(about, {name: array.astype(dtype) for name, array in one.items()} | beta)

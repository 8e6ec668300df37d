"""SwiGLU, backward."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention_backward import UPSTREAM
from lessons.block.ffn.exercises.swiglu import SHAPES, SIZES, sigmoid
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.feed_forward.gated_feed_forward import gated_feed_forward_backward, gated_feed_forward_forward

exercise = Exercise(
    "swiglu-backward",
    "Backward through SwiGLU",
    step="way_back",
    level=3,
    rules=[
        "The forward is a = x w_gate, u = x w_up, hidden = SiLU(a) u, y = hidden w_down; all of it has to be made again.",
        "SiLU(a) = a sigmoid(a).",
        "dy and x are (..., C), w_gate and w_up (C, F), w_down (F, C). Every gradient has the shape of its array; those of "
        "maps are summed over all tokens.",
        "Numbers of hundreds before the bend do not overflow, of either sign. All arguments stay as they are.",
    ],
    hints=[
        "Undo the lines from the last to the first: hidden from y, then a and u from hidden, then x.",
        "hidden is a product of two arrays: what does each get, and what does the other have to do with it?",
        "SiLU is a product as well: how many terms has its slope?",
        "x was read by two maps. How many terms has dx?",
    ],
    learned="each factor of the gate gets the other one, SiLU's slope has two terms, and x gets a sum from two maps.",
    results=["dx: (..., C)", "dw_gate: (C, F)", "dw_up: (C, F)", "dw_down: (F, C)"],
)


@exercise.stub
def swiglu_backward(dy, x, w_gate, w_up, w_down):
    """Gradients of y = (SiLU(x w_gate) * (x w_up)) w_down.

    dy, x: (..., C), w_gate, w_up: (C, F), w_down: (F, C)
    -> dx, dw_gate, dw_up, dw_down, each of the shape of its array
    """
    ...


@exercise.solution
def solution(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])  # N tokens: (N, C)
    a, u = rows @ w_gate, rows @ w_up  # (N, C) (C, F) -> (N, F)
    share = 0.5 + 0.5 * np.tanh(a / 2)  # sigmoid(a)
    silu = a * share
    dhidden = drows @ w_down.T  # y = hidden w_down: (N, C) (C, F) -> (N, F)
    du = dhidden * silu  # hidden = silu u
    da = dhidden * u * share * (1 + a * (1 - share))  # silu = a sigmoid(a)
    dx = da @ w_gate.T + du @ w_up.T  # both maps read x: (N, F) (F, C) -> (N, C)
    return dx.reshape(x.shape), rows.T @ da, rows.T @ du, (silu * u).T @ drows


@exercise.truth
def truth(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    _, cache = gated_feed_forward_forward(x, w_gate, None, w_up, None, w_down, None, "swiglu")
    grads = gated_feed_forward_backward(dy, cache)
    return grads.dx, grads.dw_gate, grads.dw_up, grads.dw_down


@exercise.equal
def token_by_token(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """Outer products, with Python's exp of numbers below 0."""
    dx, dgate, dup, ddown = (np.zeros(one.shape) for one in (x, w_gate, w_up, w_down))
    for at in np.ndindex(*x.shape[:-1]):
        row, drow = x[at].astype(float), dy[at].astype(float)
        a, u = row @ w_gate, row @ w_up
        small = np.array([math.exp(-abs(one)) for one in a])
        share, rest = np.where(a > 0, 1, small) / (1 + small), np.where(a > 0, small, 1) / (1 + small)
        back = w_down @ drow
        da, du = back * u * (share + a * share * rest), back * a * share
        dx[at] = w_gate @ da + w_up @ du
        dgate += np.outer(row, da)
        dup += np.outer(row, du)
        ddown += np.outer(a * share * u, drow)
    return dx, dgate, dup, ddown


@exercise.equal
def both_maps_in_one(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The two maps side by side are one, and so are their gradients; sums by einsum."""
    wide = np.concatenate([w_gate, w_up], axis=1)
    a, u = np.split(x @ wide, 2, axis=-1)
    share = sigmoid(a)
    back = np.einsum("...c,fc->...f", dy, w_down)
    both = np.concatenate([back * u * (a * share + share * (1 - a * share)), back * a * share], axis=-1)
    front = tuple(range(x.ndim - 1))
    dgate, dup = np.split(np.tensordot(x, both, (front, front)), 2, axis=1)
    return both @ wide.T, dgate, dup, np.tensordot(a * share * u, dy, (front, front))


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, c: int, f: int, by: float = 1.0, up: float = 1.0, **more: Any) -> dict[str, Any]:
        """by: of x; up: of dy."""
        maps = {"w_gate": n((c, f)), "w_up": n((c, f)), "w_down": n((f, c))}
        return {"dy": up * n((*front, c)), "x": by * n((*front, c)), **maps} | more

    yield Given("a batch of texts, all sizes different", given(2, 3, c=4, f=7))
    yield Given("rows", given(5, c=3, f=6))
    yield Given("one vector", given(c=4, f=5))
    yield Given("one row", given(1, c=4, f=5))
    yield Given("three axes in front", given(2, 1, 3, c=4, f=6))
    yield Given("C = F", given(2, 3, c=5, f=5))
    yield Given("T = C = F", given(4, c=4, f=4))
    yield Given("C = 1", given(3, c=1, f=4))
    yield Given("F = 1", given(3, c=4, f=1))
    yield Given("F smaller than C", given(3, c=6, f=2))
    yield Given("small x", given(2, 3, c=4, f=6, by=1e-3))
    yield Given("large x", given(2, 3, c=4, f=6, by=4.0))
    yield Given("numbers of hundreds before the bend", given(3, c=4, f=6, by=700.0))
    yield Given("x of 0", given(2, c=4, f=3) | {"x": np.zeros((2, 4))})
    yield Given("a tiny gradient", given(2, 3, c=4, f=6, up=1e-9))
    yield Given("a gradient of ones", given(3, c=4, f=5) | {"dy": np.ones((3, 4))})
    yield Given("w_up of 0", given(3, c=4, f=5) | {"w_up": np.zeros((4, 5))})
    closed = given(3, c=4, f=5)
    closed["w_gate"][:, 2] = 0.0
    yield Given("a column of w_gate is 0", closed)
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, c=5, f=4).items()})
    for about, ((front, c, f), by, (up, to), zero, dtype) in crossed(
        SHAPES,
        SIZES,
        UPSTREAM,
        {"": "", "w_gate of 0": "w_gate", "w_up of 0": "w_up"},
        {"": float, "float32": np.float32},
    ):
        one = given(*front, c=c, f=f, by=by)
        one["dy"] = up * one["dy"] + to
        yield Given(about, {name: (array * (name != zero)).astype(dtype) for name, array in one.items()})

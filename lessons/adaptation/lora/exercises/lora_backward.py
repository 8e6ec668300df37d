"""LoRA, backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.adaptation.lora.exercises.lora import SHAPES, SIZES
from lessons.attention.scaled_dot_product.exercises.attention_backward import UPSTREAM
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand
from tfx.ops.low_rank.lora_linear import lora_linear_backward, lora_linear_forward

exercise = Exercise(
    "lora-backward",
    "Backward through LoRA",
    step="starts_and_merges",
    level=3,
    rules=[
        "The forward is y = x w + alpha / R (x a) b with x (..., I), w (I, J), a (I, R), b (R, J). alpha is 1 unless told.",
        "dy is (..., J); every gradient has the shape of its array. w is frozen: no gradient for it is asked for.",
        "da and db sum over all axes in front of x, without a mean.",
        "All arguments stay as they are.",
    ],
    hints=[
        "How many terms of y hold x? dx has as many.",
        "With h = x a the update is alpha / R h b, a product of two arrays: what are dh and db?",
        "x.reshape(-1, I) and dy.reshape(-1, J) make one long batch of rows, over which a matrix product sums.",
    ],
    learned="dx goes back through both maps; da and db are those of two linear maps in a row, with the scale in each.",
    results=["dx: (..., I)", "da: (I, R)", "db: (R, J)"],
)


@exercise.stub
def lora_backward(dy, x, w, a, b, alpha=1.0):
    """Gradients of y = x w + alpha / R (x a) b.

    dy: (..., J), x: (..., I), w: (I, J), a: (I, R), b: (R, J)
    -> dx: (..., I), da: (I, R), db: (R, J)
    """
    ...


@exercise.solution
def solution(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    dupdate = alpha / a.shape[-1] * dy  # y = x w + scale * update
    rows, drows = x.reshape(-1, x.shape[-1]), dupdate.reshape(-1, dy.shape[-1])
    db = (rows @ a).T @ drows  # update = h b: (R, N) (N, J) -> (R, J)
    dh = drows @ b.T  # (N, J) (J, R) -> (N, R)
    da = rows.T @ dh  # h = x a: (I, N) (N, R) -> (I, R)
    dx = dy @ w.T + (dh @ a.T).reshape(x.shape)  # x was read twice
    return dx, da, db


@exercise.truth
def truth(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    return tuple(lora_linear_backward(dy, lora_linear_forward(x, a, b, w, scale=alpha / a.shape[-1])[1]))


@exercise.equal
def from_the_merged_matrix(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """The gradient of the merged matrix, and from it those of its two factors."""
    scale = alpha / a.shape[-1]
    axes = tuple(range(x.ndim - 1))
    dmerged = np.tensordot(x, dy, (axes, axes))
    return dy @ (w + scale * a @ b).T, scale * dmerged @ b.T, scale * a.T @ dmerged


@exercise.equal
def row_by_row(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """Outer products, one token at a time."""
    scale = alpha / a.shape[-1]
    dx, da, db = np.zeros(x.shape), np.zeros(a.shape), np.zeros(b.shape)
    for place in np.ndindex(*x.shape[:-1]):
        row, drow = x[place].astype(float), dy[place].astype(float)
        dx[place] = w @ drow + scale * (a @ (b @ drow))
        da += np.outer(row, b @ drow) * scale
        db += np.outer(row @ a, drow) * scale
    return dx, da, db


@exercise.steps
def steps(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> dict[str, Any]:
    def both(some: Any) -> list[Any]:
        """With the axes of x and as one long batch of rows, scaled and not yet."""
        rows = some.reshape(-1, some.shape[-1])
        return [scale * some, some, scale * rows, rows]

    scale = alpha / a.shape[-1]
    return {
        "h: behind the first map, (..., R)": both(x @ a),
        "dh: the gradient of h": both(dy @ b.T),
        **dict(zip(exercise.results, solution(dy, x, w, a, b, alpha), strict=True)),
    }


@exercise.cell
def dh(at: tuple[int, ...], dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> str:
    scale, r = alpha / a.shape[-1], a.shape[-1]
    return by_hand(*zip(dy[at[:-1]], b[at[-1]], strict=True), then=(f" * {alpha:g} / {r}", scale))


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, i: int, j: int, r: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        found = {"dy": by * n((*front, j)), "x": n((*front, i)), "w": n((i, j)), "a": n((i, r)), "b": n((r, j))}
        return found | more

    yield Given("a batch of rows, all sizes different", given(3, i=5, j=4, r=2, alpha=7.0))
    yield Given("alpha is 1", given(4, i=3, j=5, r=2))
    yield Given("two axes in front", given(2, 3, i=4, j=6, r=5, alpha=3.0))
    yield Given("three axes in front", given(2, 1, 3, i=3, j=2, r=4, alpha=0.5))
    yield Given("one vector", given(i=5, j=3, r=2, alpha=3.0))
    yield Given("one row", given(1, i=4, j=3, r=2, alpha=3.0))
    yield Given("rank 1", given(4, i=3, j=5, r=1, alpha=6.0))
    yield Given("rank 1, alpha 1", given(4, i=3, j=5, r=1))
    yield Given("alpha = R", given(2, i=4, j=5, r=3, alpha=3.0))
    yield Given("I = J", given(3, i=4, j=4, r=2, alpha=5.0))
    yield Given("I = J = R", given(2, i=3, j=3, r=3, alpha=2.0))
    yield Given("N = I = J = R", given(3, i=3, j=3, r=3, alpha=7.0))
    yield Given("I = 1", given(3, i=1, j=4, r=2, alpha=3.0))
    yield Given("J = 1", given(3, i=4, j=1, r=2, alpha=3.0))
    yield Given("b is 0, as at the start", given(3, i=5, j=4, r=2, alpha=4.0) | {"b": np.zeros((2, 4))})
    yield Given("a is 0", given(3, i=5, j=4, r=2, alpha=4.0) | {"a": np.zeros((5, 2))})
    yield Given("a tiny gradient", given(2, 3, i=4, j=3, r=2, by=1e-9, alpha=3.0))
    yield Given("a gradient of ones", given(3, i=4, j=5, r=2, alpha=3.0) | {"dy": np.ones((3, 5))})
    yield Given("a large update", given(3, i=4, j=3, r=2, alpha=1e4))
    single = given(2, 3, i=4, j=5, r=2, alpha=6.0)
    yield Given("float32", {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in single.items()})
    for about, ((front, i, j, r), by, alpha, (up, to), zero, dtype) in crossed(
        SHAPES, SIZES,
        {"": {}, "alpha 16": {"alpha": 16.0}, "alpha 0.5": {"alpha": 0.5}, "alpha below 0": {"alpha": -4.0}},
        UPSTREAM, {"": "", "a is 0": "a", "b is 0": "b"}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        one = given(*front, i=i, j=j, r=r)
        one["dy"], one["x"] = up * one["dy"] + to, by * one["x"]
        whole = {name: (array * (name != zero)).astype(dtype) for name, array in one.items()}
        yield Given(about, whole | alpha)

"""LoRA, forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.low_rank.lora_linear import lora_linear_forward
from tfx.ops.low_rank.low_rank_update import low_rank_update_forward

exercise = Exercise(
    "lora",
    "LoRA: a frozen matrix and a thin update",
    step="starts_and_merges",
    level=1,
    rules=[
        "x is (..., I), w (I, J), a (I, R), b (R, J), bias None or (J,): rows are multiplied from the left, x w.",
        "The update a b is multiplied by alpha / R. alpha is 1 unless told. Nothing else is scaled.",
        "y is x w + bias and the update of x. merged is the one matrix with which x merged + bias is the same y.",
        "All arguments stay as they are.",
    ],
    hints=[
        "R is a size of two of the arrays. What is alpha for, when R is changed?",
        "For y the matrix a b need not be built: in which order are x, a and b multiplied?",
    ],
    learned="y = x w + bias + alpha / R (x a) b, and w + alpha / R a b does the same in one matrix.",
    results=["y: (..., J)", "merged: (I, J)"],
)


@exercise.stub
def lora(x, w, a, b, alpha=1.0, bias=None):
    """A linear map with a low-rank update, and both merged into one matrix.

    x: (..., I), w: (I, J), a: (I, R), b: (R, J), bias: None or (J,)
    -> y: (..., J), merged: (I, J)
    """
    ...


@exercise.solution
def solution(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    scale = alpha / a.shape[-1]
    y = x @ w + scale * (x @ a) @ b  # (..., I) (I, R) (R, J): thin all the way
    if bias is not None:
        y = y + bias
    return y, w + scale * a @ b


@exercise.truth
def truth(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    scale = alpha / a.shape[-1]
    return lora_linear_forward(x, a, b, w, bias, scale)[0], low_rank_update_forward(w, a, b, scale)[0]


@exercise.equal
def merged_first(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The update as a sum of outer products, one for each rank."""
    merged = w.astype(float)
    for r in range(len(b)):
        merged = merged + np.outer(a[:, r] / len(b), alpha * b[r])
    return np.einsum("...i,ij->...j", x, merged) + (0 if bias is None else bias), merged


@exercise.equal
def one_wide_product(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """(x, x a) times w over b, and a 1 for the bias."""
    scaled = a * (alpha / a.shape[1])
    last = np.zeros((1, w.shape[1])) if bias is None else bias[None, :]
    wide = np.concatenate([x, x @ scaled, np.ones((*x.shape[:-1], 1))], axis=-1)
    tall = np.concatenate([w, b, last])
    return wide @ tall, np.concatenate([np.eye(len(w)), scaled], axis=1) @ tall[:-1]


#: words -> axes in front, I, J and R;  the size of x
SHAPES = {
    "one vector": ((), 5, 4, 2), "one row": ((1,), 4, 3, 2), "3 rows, rank 1": ((3,), 4, 5, 1), "all sizes 3": ((3,), 3, 3, 3),
    "2 x 3 rows": ((2, 3), 5, 4, 3), "2 x 4 rows, 4 to 4": ((2, 4), 4, 4, 2), "2 x 1 x 2 rows": ((2, 1, 2), 3, 5, 2),
    "1 to 4": ((3,), 1, 4, 2), "4 to 1": ((2,), 4, 1, 3),
}  # fmt: skip
SIZES = {"": 1.0, "large x": 100.0, "tiny x": 1e-4}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, i: int, j: int, r: int, **more: Any) -> dict[str, Any]:
        return {"x": n((*front, i)), "w": n((i, j)), "a": n((i, r)), "b": n((r, j))} | more

    yield Given("a batch of rows, all sizes different", given(3, i=5, j=4, r=2))
    yield Given("two axes in front", given(2, 3, i=4, j=6, r=5))
    yield Given("three axes in front", given(2, 1, 3, i=3, j=2, r=4))
    yield Given("one vector", given(i=5, j=3, r=2))
    yield Given("rank 1", given(4, i=3, j=5, r=1))
    yield Given("rank 1, alpha 8", given(4, i=3, j=5, r=1, alpha=8.0))
    yield Given("alpha 16, rank 4", given(3, i=6, j=5, r=4, alpha=16.0))
    yield Given("alpha = R", given(2, i=4, j=5, r=3, alpha=3.0))
    yield Given("I = J", given(3, i=4, j=4, r=2, alpha=5.0))
    yield Given("N = I = J = R", given(3, i=3, j=3, r=3, alpha=2.0))
    yield Given("a bias", given(3, i=5, j=4, r=2, bias=n(4)))
    yield Given("bias, alpha, two axes in front", given(2, 3, i=4, j=5, r=2, alpha=6.0, bias=n(5)))
    yield Given("I = 1", given(3, i=1, j=4, r=2, alpha=3.0))
    yield Given("J = 1", given(3, i=4, j=1, r=2, alpha=3.0, bias=n(1)))
    yield Given("b is 0, as at the start", given(3, i=5, j=4, r=2, alpha=4.0) | {"b": np.zeros((2, 4))})
    yield Given("a rank above both widths", given(2, i=2, j=3, r=7, alpha=7.5))
    yield Given("a large update", given(3, i=4, j=3, r=2, alpha=1e4))
    yield Given("alpha below 0", given(2, i=3, j=4, r=2, alpha=-3.0))
    single = given(2, 20, i=4, j=5, r=2, alpha=6.0, bias=n(5))
    yield Given("float32", {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in single.items()})
    for about, ((front, i, j, r), alpha, bias, by, started, dtype) in crossed(
        SHAPES,
        {"": {}, "alpha 16": {"alpha": 16.0}, "alpha 0.5": {"alpha": 0.5}, "alpha below 0": {"alpha": -4.0}},
        {"": None, "a bias": 1.0, "a bias of 0": 0.0}, SIZES, {"": 1.0, "b is 0": 0.0}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        one = given(*front, i=i, j=j, r=r) | ({} if bias is None else {"bias": bias * n(j)})
        one["x"], one["b"] = by * one["x"], started * one["b"]
        yield Given(about, {name: array.astype(dtype) for name, array in one.items()} | alpha)

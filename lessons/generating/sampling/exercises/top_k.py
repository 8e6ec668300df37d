"""Top-k: all but the k largest logits are ruled out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.generate.shaping import top_k as library

exercise = Exercise(
    "top-k",
    "Top-k: only the k likeliest tokens may be drawn",
    autograd=False,
    step="top_k_step",
    level=1,
    rules=[
        "logits is (..., V), k a whole number from 1 on. Each row is filtered by itself.",
        "Exactly k numbers of a row stay as they are, the k largest; every other one becomes -inf.",
        "Of equal logits the one with the lower id comes first.",
        "From k = V on all stay. A logit may be -inf before, and stays so.",
        "logits stays as it is, and the result is a new array of its shape.",
    ],
    hints=[
        "Which probability does softmax give to a logit of -inf, and which to a logit of 0?",
        "np.argsort(-logits, axis=-1, kind='stable') lists the ids of each row, the likeliest first.",
        "How many are left when three logits share the k-th place, if you keep all that are at least as large?",
    ],
    learned="k tokens of each row keep their logits, all others get -inf, and softmax shares out what they had.",
    results=["kept: (..., V)"],
)


@exercise.stub
def top_k(logits, k):
    """Keeps the k largest logits of each row and puts -inf in the place of the others.

    logits: (..., V), k: from 1 on -> (..., V)
    """
    ...


@exercise.solution
def solution(logits: Any, k: int) -> Any:
    first = np.argsort(-logits, axis=-1, kind="stable")[..., :k]  # (..., k) ids
    kept = np.full(logits.shape, -np.inf)
    np.put_along_axis(kept, first, np.take_along_axis(logits, first, axis=-1), axis=-1)
    return kept


@exercise.truth
def truth(logits: Any, k: int) -> Any:
    return library(logits, k)


@exercise.equal
def by_counting(logits: Any, k: int) -> Any:
    """A logit stays if fewer than k others come before it: larger ones, or equal ones with a lower id."""
    ids = np.arange(logits.shape[-1])
    other, own = logits[..., None, :], logits[..., :, None]  # (..., 1, V) against (..., V, 1)
    before = (other > own) | ((other == own) & (ids[None, :] < ids[:, None]))
    return np.where(before.sum(axis=-1) < k, logits, -np.inf)


@exercise.equal
def one_maximum_at_a_time(logits: Any, k: int) -> Any:
    rows = logits.reshape(-1, logits.shape[-1])
    kept = [[float("-inf")] * rows.shape[1] for _ in rows]
    for row, out in zip(rows.tolist(), kept, strict=True):
        left = list(range(len(row)))
        for _ in range(min(k, len(row))):
            best = max(left, key=lambda i, row=row: (row[i], -i))  # type: ignore[misc]
            out[best] = row[best]
            left.remove(best)
    return np.array(kept).reshape(logits.shape)


#: words -> shape;  what logits are like
SHAPES: dict[str, tuple[int, ...]] = {
    "6": (6,), "3 x 7": (3, 7), "2 x 3 x 5": (2, 3, 5), "4 x 4": (4, 4), "1 x 6": (1, 6), "3 x 1": (3, 1),
}  # fmt: skip
LOGITS: dict[str, Callable[[Any], Any]] = {
    "": lambda x: x,
    "equal logits": np.round,
    "large logits": lambda x: 40 * x,
    "tiny logits": lambda x: x / 1000,
    "logits below 0": lambda x: x - 30,
    "some ruled out": lambda x: np.where(np.arange(x.shape[-1]) % 3 == 1, -np.inf, x),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    yield Given("three rows of seven", {"logits": n((3, 7)), "k": 2})
    yield Given("one row without an axis in front", {"logits": n(6), "k": 3})
    yield Given("two axes in front", {"logits": n((2, 3, 5)), "k": 2})
    yield Given("as many rows as tokens", {"logits": n((4, 4)), "k": 3})
    yield Given("one row", {"logits": n((1, 6)), "k": 4})
    yield Given("k = 1", {"logits": n((3, 5)), "k": 1})
    yield Given("k = V", {"logits": n((2, 4)), "k": 4})
    yield Given("k larger than V", {"logits": n((2, 4)), "k": 9})
    yield Given("one token", {"logits": n((3, 1)), "k": 1})
    yield Given("equal logits at the k-th place", {"logits": np.array([[1.0, 3, 1, 2, 1], [0.0, 0, 5, 0, 4]]), "k": 3})
    yield Given(
        "equal logits before the k-th place", {"logits": np.array([[2.0, 5, 5, 1, 3], [4.0, 0, 4, 4, 1]]), "k": 3}
    )
    yield Given("all logits equal", {"logits": np.full((2, 5), 0.5), "k": 2})
    yield Given("the largest twice, k = 1", {"logits": np.array([[1.0, 2, 2, 0], [3.0, 3, 3, 3]]), "k": 1})
    yield Given("all logits below 0", {"logits": -3 - rng.random((2, 6)), "k": 2})
    out = n((2, 6))
    out[0, [1, 4]], out[1, [0, 2, 3, 5]] = -np.inf, -np.inf
    yield Given("some ruled out before", {"logits": out, "k": 3})
    yield Given("rows of different height", {"logits": n((3, 5)) + 100.0 * np.arange(3)[:, None], "k": 2})
    yield Given("large and tiny logits", {"logits": n((2, 6)) * np.array([[1e6], [1e-6]]), "k": 3})
    yield Given("many tokens", {"logits": n((2, 200)), "k": 40})
    yield Given("float32, large numbers", {"logits": (1030 + n((2, 3, 4))).astype(np.float32), "k": 2})
    for about, (shape, k, like, dtype) in crossed(
        SHAPES, {"k = 1": 1, "k = 2": 2, "k = 4": 4, "k = 50": 50}, LOGITS, {"": float, "float32": np.float32}
    ):
        yield Given(about, {"logits": like(n(shape)).astype(dtype), "k": k})

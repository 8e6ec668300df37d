"""Top-p: all tokens outside of the nucleus are ruled out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.generating.sampling.exercises.top_k import LOGITS, SHAPES
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.generate.shaping import top_p as library

exercise = Exercise(
    "nucleus",
    "Top-p: only the nucleus may be drawn",
    autograd=False,
    step="top_p_step",
    rules=[
        "logits is (..., V), and 0 < p <= 1. Each row is filtered by itself; its probabilities are softmax(logits).",
        "Tokens are put in order, the likeliest first; of equal ones the one with the lower id.",
        "A token stays if those before it sum to less than p. So the first one always stays, and the one that reaches p.",
        "p = 1 keeps all, however rare they are. A logit may be -inf before, and stays so.",
        "What stays keeps its logit, what does not becomes -inf. logits may be as large as 10,000.",
        "logits stays as it is, and the result is a new array of its shape.",
    ],
    hints=[
        "Sort the probabilities downwards; np.cumsum gives the sum up to a token, that token included.",
        "What is the sum before a token, when you have the sum up to it and its own probability?",
        "The mask is made in sorted order. How does it get back to the ids? np.put_along_axis, or argsort of argsort.",
    ],
    learned="the smallest set of likeliest tokens that has at least p together stays, the one that reaches p included.",
    results=["kept: (..., V)"],
)


@exercise.stub
def top_p(logits, p):
    """Keeps the likeliest tokens of each row until they have p together; the others become -inf.

    logits: (..., V), 0 < p <= 1 -> (..., V)
    """
    ...


def softmax(logits: Any) -> Any:
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise.solution
def solution(logits: Any, p: float) -> Any:
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = e / e.sum(axis=-1, keepdims=True)
    ids = np.argsort(-logits, axis=-1, kind="stable")  # (..., V), the likeliest first
    in_order = np.take_along_axis(probabilities, ids, axis=-1)
    stays_in_order = (np.cumsum(in_order, axis=-1) - in_order < p) | (p == 1)
    stays = np.zeros(logits.shape, bool)
    np.put_along_axis(stays, ids, stays_in_order, axis=-1)
    return np.where(stays, logits, -np.inf)


@exercise.truth
def truth(logits: Any, p: float) -> Any:
    return library(logits, p)


@exercise.equal
def one_token_at_a_time(logits: Any, p: float) -> Any:
    kept = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        weights = [math.exp(one - max(row)) for one in row]
        left, total, out = list(range(len(row))), 0.0, [-math.inf] * len(row)
        while left and (total < p or p == 1):
            best = max(left, key=lambda i, row=row: (row[i], -i))  # type: ignore[misc]
            out[best], total = row[best], total + weights[best] / math.fsum(weights)
            left.remove(best)
        kept.append(out)
    return np.array(kept).reshape(logits.shape)


@exercise.equal
def by_comparing_all_pairs(logits: Any, p: float) -> Any:
    """The sum before a token is a product with a matrix of who comes before whom."""
    ids = np.arange(logits.shape[-1])
    other, own = logits[..., None, :], logits[..., :, None]
    before = (other > own) | ((other == own) & (ids[None, :] < ids[:, None]))  # (..., V, V)
    mass = np.einsum("...vw,...w->...v", before, softmax(logits))
    return np.where((mass < p) | (p == 1), logits, -np.inf)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    """No sum lies near p, so that rounding decides nothing (tests/lessons/practice/test_variants_drawing.py)."""
    n = rng.standard_normal
    yield Given("three rows of seven", {"logits": n((3, 7)), "p": 0.6})
    yield Given("one row without an axis in front", {"logits": n(6), "p": 0.7})
    yield Given("two axes in front", {"logits": n((2, 3, 5)), "p": 0.5})
    yield Given("as many rows as tokens", {"logits": n((4, 4)), "p": 0.8})
    yield Given("one row", {"logits": n((1, 6)), "p": 0.9})
    yield Given("one token", {"logits": n((3, 1)), "p": 0.4})
    yield Given(
        "the first has more than p", {"logits": np.log([[0.1, 0.7, 0.15, 0.05], [0.9, 0.04, 0.01, 0.05]]), "p": 0.3}
    )
    yield Given("a small p", {"logits": n((2, 8)), "p": 0.01})
    yield Given("a small p, many tokens nearly equal", {"logits": 0.1 * n((2, 50)), "p": 0.07})
    yield Given("a p just below 1", {"logits": 4 * n((2, 9)), "p": 0.999})
    yield Given("p = 1", {"logits": np.array([[9.0, -3, 0, 2, 1], [0.0, 0, 1, 2, 12]]), "p": 1.0})
    yield Given("p = 1 and very rare tokens", {"logits": np.array([[50.0, 0, 1, -60], [-700.0, 3, 0, -1]]), "p": 1.0})
    yield Given("the row in order", {"logits": np.log([0.4, 0.3, 0.2, 0.1]), "p": 0.65})
    yield Given("the row in reverse order", {"logits": np.log([0.05, 0.15, 0.3, 0.5]), "p": 0.75})
    yield Given(
        "equal tokens where p is reached",
        {"logits": np.log([[0.1, 0.4, 0.1, 0.1, 0.3], [0.15, 0.15, 0.4, 0.15, 0.15]]), "p": 0.77},
    )
    yield Given("all tokens equal", {"logits": np.full((2, 5), 0.5), "p": 0.5})
    out = n((2, 6))
    out[0, [1, 4]], out[1, [0, 2, 3, 5]] = -np.inf, -np.inf
    yield Given("some ruled out before", {"logits": out, "p": 0.8})
    yield Given("some ruled out before, p = 1", {"logits": out[:, ::-1].copy(), "p": 1.0})
    yield Given(
        "large logits", {"logits": np.array([[9000.0, 9001, 8999, 100], [-9000.0, -9001, -9001.5, -9999]]), "p": 0.7}
    )
    yield Given("rows of different height", {"logits": n((3, 5)) + 3.0 * np.arange(3)[:, None], "p": 0.6})
    yield Given("flat and sharp", {"logits": n((2, 60)) * np.array([[0.1], [4.0]]), "p": 0.9})
    yield Given("float32", {"logits": n((2, 3, 4)).astype(np.float32), "p": 0.7})
    for about, (shape, p, like, dtype) in crossed(
        SHAPES,
        {"p = 0.57": 0.57, "p = 0.03": 0.03, "p = 0.93": 0.93, "p = 1": 1.0},
        LOGITS,
        {"": float, "float32": np.float32},
    ):
        yield Given(about, {"logits": like(n(shape)).astype(dtype), "p": p})

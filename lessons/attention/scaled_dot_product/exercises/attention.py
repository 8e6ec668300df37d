"""Scaled dot-product attention with a mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number, share_by_hand
from tfx.ops.attention.scaled_dot_product import attention_forward

exercise = Exercise(
    "attention",
    "Scaled dot-product attention",
    step="softmax",
    rules=[
        "q is (..., T, D), k (..., S, D) and v (..., S, Dv), with the same axes in front.",
        "mask is None, or boolean with two axes or more, and broadcasts to (..., T, S); True means: may look there.",
        "A query that may look nowhere gets zeros, as weights and as output.",
        "What stands behind the mask does not matter, were it 10,000; scores may be as large, and as far below 0.",
        "q, k, v and mask stay as they are.",
    ],
    hints=[
        "Which two axes does Q K^T join, and which shape has it? np.swapaxes(k, -1, -2) turns the last two.",
        "By what is a score divided, so that its size does not grow with the width of a head?",
        "Is the mask put on before the softmax or behind it? What do the weights of a row sum to?",
    ],
    learned="scores are dot products over sqrt(D), blocked before the softmax, and weights sum values.",
    results=["out: (..., T, Dv)", "weights: (..., T, S)"],
)


@exercise.stub
def attention(q, k, v, mask=None):
    """Every query looks at all keys it may see, and gets the mean of their values, weighted.

    q: (..., T, D), k: (..., S, D), v: (..., S, Dv), mask: None or (..., T, S), True = may look
    -> out: (..., T, Dv), weights: (..., T, S)
    """
    ...


def scores_of(q: Any, k: Any, scale: float | None = None) -> Any:
    return q @ np.swapaxes(k, -1, -2) / (np.sqrt(q.shape[-1]) if scale is None else scale)


def softmax_of(scores: Any, mask: Any = None, axis: int = -1) -> Any:
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=axis, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


@exercise.solution
def solution(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])  # (..., T, D) (..., D, S) -> (..., T, S)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    weights = e / np.where(total == 0, 1, total)
    return weights @ v, weights  # (..., T, S) (..., S, Dv) -> (..., T, Dv)


@exercise.truth
def truth(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    return attention_forward(q, k, v, mask)[0], softmax_of(scores_of(q, k), mask)


@exercise.equal
def in_loops(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """One query at a time."""
    front = q.shape[:-2]
    seen = np.ones((*front, q.shape[-2], k.shape[-2]), bool) if mask is None else mask
    seen = np.broadcast_to(seen, (*front, q.shape[-2], k.shape[-2]))
    weights = np.zeros(seen.shape)
    for at in np.ndindex(*front, q.shape[-2]):
        row = {s: float(q[at] @ k[(*at[:-1], s)]) / q.shape[-1] ** 0.5 for s in range(k.shape[-2]) if seen[(*at, s)]}
        e = {s: np.exp(score - max(row.values())) for s, score in row.items()}
        for s, one in e.items():
            weights[(*at, s)] = one / sum(e.values())
    return np.einsum("...ts,...sd->...td", weights, v), weights


@exercise.equal
def scale_in_the_queries(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Queries are divided first, and a large negative number blocks; rows that see nothing are set to 0."""
    scores = np.einsum("...td,...sd->...ts", q / q.shape[-1] ** 0.5, k)
    seen = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    weights = softmax_of(np.where(seen, scores, -1e30), None) * seen.any(-1, keepdims=True)
    return weights @ v, weights


@exercise.steps
def steps(q: Any, k: Any, v: Any, mask: Any = None) -> dict[str, Any]:
    raw = scores_of(q, k, 1.0)
    scaled, weights = scores_of(q, k), softmax_of(scores_of(q, k), mask)
    masked = scaled if mask is None else np.where(mask, scaled, -np.inf)
    return {
        "scores: queries times keys, (..., T, S)": raw,
        "scaled: the scores, scaled": scaled,
        "masked: the same behind the mask": masked,
        "weights: (..., T, S)": weights,
        "out: (..., T, Dv)": weights @ v,
    }


@exercise.cell
def scores(at: tuple[int, ...], q: Any, k: Any, v: Any, mask: Any = None) -> str:
    return by_hand(*zip(q[at[:-1]], k[(*at[:-2], at[-1])], strict=True))


@exercise.cell
def scaled(at: tuple[int, ...], q: Any, k: Any, v: Any, mask: Any = None) -> str:
    score, d = scores_of(q, k, 1.0)[at], q.shape[-1]
    return f"{number(score)} / sqrt({d}) = {number(score / d**0.5)}"


@exercise.cell
def weights(at: tuple[int, ...], q: Any, k: Any, v: Any, mask: Any = None) -> str:
    row = scores_of(q, k)[at[:-1]]
    seen = np.ones(row.shape, bool) if mask is None else np.broadcast_to(mask, (*q.shape[:-1], len(row)))[at[:-1]]
    return share_by_hand(row, seen, at[-1])


@exercise.cell
def out(at: tuple[int, ...], q: Any, k: Any, v: Any, mask: Any = None) -> str:
    row = softmax_of(scores_of(q, k), mask)[at[:-1]]
    return by_hand(*zip(row, v[(*at[:-2], slice(None), at[-1])], strict=True))


#: words -> axes in front, T, S, D and Dv; how large scores are; which places may be seen, from the shape of the scores
FRONTS: dict[str, tuple[int, ...]] = {
    "": (),
    "2 texts": (2,),
    "1 text": (1,),
    "2 texts, 3 heads": (2, 3),
    "1 text, 2 heads": (1, 2),
    "3 x 1 x 2": (3, 1, 2),
}
SIZES = {
    "T 3, S 5, D 4, Dv 2": (3, 5, 4, 2), "all sizes 3": (3, 3, 3, 3), "one query": (1, 4, 3, 2), "one key": (3, 1, 4, 2),
    "T 5, S 2": (5, 2, 3, 6), "T 2, S 6, D 1": (2, 6, 1, 3), "T = S, Dv 1": (6, 6, 2, 1), "one query, one key": (1, 1, 3, 2), "T 3, S 4, D 16": (3, 4, 16, 5),
}  # fmt: skip
BY = {"": 1.0, "large scores": 40.0, "sharp weights": 3.0, "tiny scores": 1e-3}


def causal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return np.tril(np.ones(shape[-2:], bool), shape[-1] - shape[-2])


def scattered(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    seen = rng.random(shape) < 0.6
    seen[..., -1] |= ~seen.any(axis=-1)
    return seen


def one_blocked(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """The first key is blocked for all, the last query sees nothing in the first text."""
    seen = scattered(rng, shape)
    seen[..., 0], seen[(*[0] * (len(shape) - 2), -1)] = False, False
    return seen


MASKS: dict[str, Any] = {
    "": None,
    "a causal mask": causal,
    "a mask for every place": scattered,
    "queries that see nothing": one_blocked,
    "one mask for all texts": lambda rng, shape: scattered(rng, shape[-2:]),
    "a padding mask": lambda rng, shape: np.arange(shape[-1]) < rng.integers(1, shape[-1] + 1, (*shape[:-2], 1, 1)),
    "one row of a mask": lambda rng, shape: (np.arange(shape[-1]) != 1)[None, :],
    "whole queries blocked": lambda rng, shape: (np.arange(shape[-2]) != 1)[:, None],
}


def mixed(rng: np.random.Generator, *more: Any) -> Iterator[tuple[str, dict[str, Any], tuple[Any, ...]]]:
    """Words, q, k, v and mask, and the values of further factors.  Large scores are sums of whole numbers, which float32
    holds exactly."""
    for about, (front, (t, s, d, dv), by, mask, dtype, *others) in crossed(
        FRONTS, SIZES, BY, MASKS, {"": float, "float32": np.float32}, *more
    ):
        shapes = {"q": (*front, t, d), "k": (*front, s, d), "v": (*front, s, dv)}
        made = {name: rng.standard_normal(shape) * (by if name != "v" else 1) for name, shape in shapes.items()}
        if by == 40:
            made["q"], made["k"] = np.round(made["q"]), np.round(made["k"])
        given = {name: value.astype(dtype) for name, value in made.items()}
        yield about, given | ({} if mask is None else {"mask": mask(rng, (*front, t, s))}), tuple(others)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def qkv(*front: int, t: int, s: int, d: int, dv: int, by: float = 1.0) -> dict[str, Any]:
        return {"q": by * n((*front, t, d)), "k": by * n((*front, s, d)), "v": n((*front, s, dv))}

    yield Given("no axes in front, all sizes different", qkv(t=3, s=5, d=4, dv=2))
    yield Given("batch and heads, all sizes different", qkv(2, 3, t=4, s=6, d=5, dv=7))
    yield Given("T = S = D = Dv", qkv(t=4, s=4, d=4, dv=4))
    yield Given("batch as large as T", qkv(3, t=3, s=2, d=4, dv=2))
    yield Given("one query", qkv(2, t=1, s=5, d=3, dv=2))
    yield Given("one key", qkv(2, t=3, s=1, d=4, dv=2))
    yield Given("D = 1", qkv(t=3, s=4, d=1, dv=2))
    yield Given("D = 64", qkv(t=2, s=5, d=64, dv=3))
    yield Given("large scores", qkv(t=3, s=4, d=16, dv=2, by=20.0))
    yield Given("tiny scores", qkv(t=3, s=4, d=16, dv=2, by=1e-4))
    yield Given("a causal mask", {**qkv(2, t=5, s=5, d=3, dv=2), "mask": np.tril(np.ones((5, 5), bool))})
    yield Given(
        "a padding mask for each text",
        {**qkv(2, 2, t=3, s=4, d=3, dv=2), "mask": np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)[:, None, None, :]},
    )
    yield Given("a mask of all True", {**qkv(t=3, s=4, d=3, dv=2), "mask": np.ones((3, 4), bool)})
    seen = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]], bool)
    yield Given("a query that may look nowhere", {**qkv(t=3, s=4, d=3, dv=2), "mask": seen})
    blocked = np.array([[[1, 0, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 1]]], bool)
    yield Given(
        "queries that may look nowhere, another one in each text", {**qkv(2, t=2, s=3, d=4, dv=5), "mask": blocked}
    )
    behind = qkv(t=3, s=4, d=3, dv=2)
    behind["k"][1], behind["v"][1] = 1e4, 1e4
    yield Given("large numbers behind the mask", {**behind, "mask": np.array([1, 0, 1, 1], bool)[None, :]})
    low = qkv(t=3, s=4, d=4, dv=2)
    low["q"], low["k"] = 1 + low["q"] / 1e4, low["k"] - 10_000
    yield Given("scores near -20,000 in front of the mask", {**low, "mask": seen})
    yield Given(
        "one row of the mask for all queries", {**qkv(2, t=3, s=4, d=3, dv=2), "mask": np.array([[[0, 1, 1, 0]]], bool)}
    )
    yield Given("equal keys", {"q": n((2, 3)), "k": np.ones((4, 3)), "v": n((4, 2))})
    yield Given("float32", {key: value.astype(np.float32) for key, value in qkv(2, t=3, s=4, d=6, dv=5).items()})
    for about, given, _ in mixed(rng):
        yield Given(about, given)

"""Attention whose keys pass by in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import BY, MASKS, scores_of, softmax_of
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given, Most
from tfx.efficient.tiled_attention import tiled_attention_forward

#: queries, keys, and bytes that may be held beside the arguments; all scores at once are T S numbers of 8 bytes
T, S, BYTES = 16, 512, 50_000

exercise = Exercise(
    "online-softmax",
    "Attention in one pass over blocks of keys",
    step="in_blocks",
    level=3,
    rules=[
        "q is (..., T, D), k (..., S, D), v (..., S, Dv), with the same axes in front; a score is q k^T over sqrt(D).",
        "Keys pass by in blocks of `block`, the last one may be shorter; what comes out is the same for every block.",
        "top is the largest score of each query, total the sum over its keys of exp(score - top), out the output.",
        "mask is None, or boolean with S as its last axis, and broadcasts to (..., T, S); True means: may look there.",
        "A query that may look nowhere has out 0, top -inf and total 0. Scores may be as large as 100,000.",
        f"The scores are never all there at once: {T} queries against {S:,} keys hold at most {BYTES:,} bytes beside "
        f"the arguments, where all scores would be {8 * T * S:,}. Loops over single numbers are not too slow.",
        "All arguments stay as they are.",
    ],
    hints=[
        "Three things are kept of the keys so far: the largest score, the sum, and the sum of weighted values.",
        "A larger score comes: the old sum is in units of exp(old top). By what is it multiplied to be in the new ones?",
        "What is exp(top - new top) while no key has been seen, and what if the first block is blocked throughout?",
    ],
    learned="a larger score shrinks what was summed so far by exp(old - new): one pass, any block, the same softmax.",
    results=["out: (..., T, Dv)", "top: (..., T)", "total: (..., T)"],
)


@exercise.stub
def online_softmax(q, k, v, block, mask=None):
    """Attention without a whole row of scores: each query keeps a maximum and a sum.

    q: (..., T, D), k: (..., S, D), v: (..., S, Dv), mask: None or (..., T, S), True = may look
    -> out: (..., T, Dv), top: (..., T), total: (..., T)
    """
    ...


@exercise.solution
def solution(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    top, total = np.full(q.shape[:-1], -np.inf), np.zeros(q.shape[:-1])  # (..., T)
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]))  # (..., T, Dv)
    for first in range(0, k.shape[-2], block):
        keys = slice(first, first + block)
        scores = q @ np.swapaxes(k[..., keys, :], -1, -2) / np.sqrt(q.shape[-1])  # (..., T, block)
        if mask is not None:
            scores = np.where(mask[..., keys], scores, -np.inf)
        new = np.maximum(top, scores.max(axis=-1))
        unit = np.where(np.isneginf(new), 0, new)  # nothing seen yet: any number will do
        e, shrink = np.exp(scores - unit[..., None]), np.exp(top - unit)
        total = shrink * total + e.sum(axis=-1)
        mixed = shrink[..., None] * mixed + e @ v[..., keys, :]
        top = new
    return mixed / np.where(total == 0, 1, total)[..., None], top, total


@exercise.truth
def truth(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    scores = scores_of(q, k)
    scores = scores if mask is None else np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1)
    total = np.exp(scores - np.where(np.isneginf(top), 0, top)[..., None]).sum(axis=-1)
    return tiled_attention_forward(q, k, v, mask)[0], top, total


@exercise.equal
def query_by_query(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Whole rows, one at a time, without blocks: the total is 1 over the largest weight."""
    rows = q.shape[:-1]
    seen = np.broadcast_to(True if mask is None else mask, (*rows, k.shape[-2]))
    out, top, total = np.zeros((*rows, v.shape[-1])), np.full(rows, -np.inf), np.zeros(rows)
    for at in np.ndindex(*rows):
        scores = scores_of(q[at][None], k[at[:-1]])
        weights = softmax_of(scores, seen[at][None])
        out[at], largest = (weights @ v[at[:-1]])[0], weights.max()
        top[at] = np.where(seen[at], scores[0], -np.inf).max()
        total[at] = 1 / largest if largest > 0 else 0
    return out, top, total


@exercise.equal
def key_by_key(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Query by query, in plain floats; keys come in from the last to the first."""
    out, rows = np.zeros((*q.shape[:-1], v.shape[-1])), q.shape[:-1]
    top, total = np.full(rows, -np.inf), np.zeros(rows)
    seen = np.broadcast_to(True if mask is None else mask, (*rows, k.shape[-2]))
    for at in np.ndindex(*rows):
        for s in range(k.shape[-2] - 1, -1, -1):
            score = float(q[at] @ k[(*at[:-1], s)]) * q.shape[-1] ** -0.5
            if seen[(*at, s)] and score > top[at]:
                shrink = np.exp(top[at] - score)
                out[at], total[at], top[at] = out[at] * shrink + v[(*at[:-1], s)], total[at] * shrink + 1, score
            elif seen[(*at, s)]:
                out[at] += np.exp(score - top[at]) * v[(*at[:-1], s)]
                total[at] += np.exp(score - top[at])
    return np.divide(out, total[..., None], out=np.zeros_like(out), where=total[..., None] > 0), top, total


#: words -> T, S, D and Dv; how long a block is, from S
SIZES = {
    "T 3, S 5, D 4, Dv 2": (3, 5, 4, 2), "all sizes 4": (4, 4, 4, 4), "one query": (1, 4, 3, 2), "one key": (3, 1, 4, 2),
    "T 5, S 2, D 1": (5, 2, 1, 3), "T 2, S 7, D 16": (2, 7, 16, 3),
}  # fmt: skip
BLOCKS: dict[str, Any] = {
    "": lambda s: 2,
    "blocks of one": lambda s: 1,
    "blocks of three": lambda s: 3,
    "one block": lambda s: s,
    "a last block of one": lambda s: max(s - 1, 1),
    "a larger block": lambda s: s + 3,
}
AXES: dict[str, tuple[int, ...]] = {
    "": (), "2 texts": (2,), "1 text": (1,), "2 texts, 2 heads": (2, 2), "1 text, 2 heads": (1, 2), "2 x 1 x 2": (2, 1, 2),
}  # fmt: skip
OPEN: dict[str, Any] = {
    about: MASKS[about]
    for about in ("", "a causal mask", "a mask for every place", "queries that see nothing", "a padding mask")
} | {
    "the last key alone": lambda rng, shape: np.arange(shape[-1]) == shape[-1] - 1,
    "one row of a mask": lambda rng, shape: (np.arange(shape[-1]) < 2)[None],
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, t: int, s: int, d: int, dv: int, block: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        return {"q": by * n((*front, t, d)), "k": n((*front, s, d)), "v": n((*front, s, dv)), "block": block} | more

    def sorted_keys(rising: bool) -> dict[str, Any]:
        """Every score is larger than the one before, or smaller."""
        k = np.sort(n((6, 1)), axis=0)
        return {"q": np.array([[2.0], [5.0]]), "k": k if rising else k[::-1].copy(), "v": n((6, 3)), "block": 2}

    yield Given("three blocks, all sizes different", given(t=3, s=6, d=4, dv=5, block=2))
    yield Given("batch and heads, the last block shorter", given(2, 3, t=4, s=7, d=5, dv=6, block=3))
    yield Given("T = S = D = Dv", given(t=4, s=4, d=4, dv=4, block=2))
    yield Given("blocks of one key", given(2, t=3, s=4, d=3, dv=2, block=1))
    yield Given("one block", given(2, t=3, s=5, d=4, dv=2, block=5))
    yield Given("a block larger than the text", given(2, t=3, s=5, d=4, dv=2, block=8))
    yield Given("one query", given(2, t=1, s=5, d=3, dv=2, block=2))
    yield Given("one key", given(t=3, s=1, d=4, dv=2, block=1))
    yield Given("D = 1", given(t=3, s=4, d=1, dv=2, block=3))
    yield Given("scores that rise", sorted_keys(True))
    yield Given("scores that fall", sorted_keys(False))
    yield Given("equal keys", {**given(t=2, s=5, d=3, dv=2, block=2), "k": np.ones((5, 3))})
    yield Given("large scores", given(t=3, s=6, d=16, dv=2, block=2, by=3e4))
    below = given(t=3, s=6, d=4, dv=2, block=2)
    yield Given("all scores far below 0", {**below, "q": -900 * abs(below["q"]), "k": 1 + abs(below["k"])})
    yield Given("small scores", given(t=3, s=6, d=4, dv=2, block=4, by=1e-4))
    yield Given("a causal mask", given(2, t=5, s=5, d=3, dv=2, block=2, mask=np.tri(5, dtype=bool)))
    padded = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 1, 0]], bool)[:, None, None, :]
    yield Given("a padding mask for each text", given(2, 2, t=3, s=5, d=3, dv=2, block=2, mask=padded))
    seen = np.array([[1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]], bool)
    yield Given("a query that may look nowhere", given(t=3, s=5, d=4, dv=2, block=2, mask=seen))
    front = np.array([[0, 0, 0, 1, 1, 0]], bool)
    yield Given("the first blocks are blocked", given(t=4, s=6, d=3, dv=2, block=1, mask=front))
    large = given(t=3, s=5, d=3, dv=2, block=2, mask=np.array([1, 1, 0, 1, 0], bool))
    large["k"][2], large["v"][[2, 4]] = 1e4, 1e4
    yield Given("large numbers behind the mask", large)
    small = {k: v.astype(np.float32) for k, v in given(2, t=3, s=7, d=6, dv=5, block=1).items() if k != "block"}
    yield Given("float32", {**small, "block": 3})
    for about, (front, (t, s, d, dv), block, by, mask, dtype) in crossed(
        AXES, SIZES, BLOCKS, BY | {"very large scores": 1e4}, OPEN, {"": float, "float32": np.float32}
    ):
        made = given(*front, t=t, s=s, d=d, dv=dv, block=block(s), by=by)
        if by > 3:  # sums of whole numbers, which float32 holds exactly
            made["q"], made["k"] = np.round(made["q"]), np.round(3 * made["k"])
        made = {name: one.astype(dtype) if isinstance(one, np.ndarray) else one for name, one in made.items()}
        yield Given(about, made if mask is None else made | {"mask": mask(rng, (*front, t, s))})


def larger(rng: np.random.Generator) -> dict[str, Any]:
    return {"q": rng.random((T, 2)), "k": rng.random((S, 2)), "v": rng.random((S, 2)), "block": 16}


exercise.most = Most(f"{T} queries, {S:,} keys in blocks of 16", larger, bytes=BYTES)

"""Multi-head attention with separate queries, keys and values, and offsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward

exercise = Exercise(
    "multi-head-attention",
    "Multi-head attention with queries, keys and values apart",
    step="the_formula",
    rules=[
        "q is (B, T, C), k and v are (B, S, C): queries come from q alone, keys from k alone, values from v alone.",
        "maps is (4, C, C): w_q, w_k, w_v, w_o; offsets is (4, C): b_q, b_k, b_v, b_o. Vectors are rows: q @ w_q + b_q.",
        "Head h has the columns h * D to (h + 1) * D of the maps, D = C / n_heads; scores are divided by sqrt(D).",
        "mask is None, or boolean with four axes that broadcast to (B, H, T, S); True means: may look.",
        "A query that may look nowhere has weights of 0 in that head. Scores of thousands do not overflow.",
        "weights are those of each head, not a mean over heads. All arguments stay as they are.",
    ],
    hints=[
        "Three maps come first, each with its offset: which of q, k and v goes through which?",
        "(B, S, C) becomes (B, S, H, D), and then (B, H, S, D). What has to be undone at the end?",
        "Does the last offset come before or behind the heads are put side by side?",
    ],
    learned="three maps, heads apart, attention in each, heads side by side, one map: and weights come for free.",
    results=["y: (B, T, C)", "weights: (B, H, T, S)"],
)


@exercise.stub
def multi_head_attention(q, k, v, maps, offsets, n_heads, mask=None):
    """Each head attends with its own D = C / n_heads columns of the mapped q, k and v.

    q: (B, T, C), k, v: (B, S, C), maps: (4, C, C), offsets: (4, C), mask: None or for (B, H, T, S)
    -> y: (B, T, C), weights: (B, H, T, S)
    """
    ...


def softmax_of(scores: Any, mask: Any = None, axis: int = -1) -> Any:
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=axis, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def heads_of(x: Any, n_heads: int) -> Any:
    """(B, T, C) -> (B, H, T, D)"""
    return x.reshape(*x.shape[:2], n_heads, -1).transpose(0, 2, 1, 3)


def side_by_side(heads: Any) -> Any:
    """(B, H, T, D) -> (B, T, C)"""
    turned = heads.transpose(0, 2, 1, 3)
    return turned.reshape(*turned.shape[:2], -1)


@exercise.solution
def solution(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    q, k, v = (x @ w + b for x, w, b in zip((q, k, v), maps, offsets, strict=False))  # the fourth pair is for the end
    (batch, t, c), d = q.shape, q.shape[-1] // n_heads
    q, k, v = (x.reshape(batch, -1, n_heads, d).transpose(0, 2, 1, 3) for x in (q, k, v))  # (B, H, T or S, D)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d)  # (B, H, T, S)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    weights = e / np.where(total == 0, 1, total)
    heads = (weights @ v).transpose(0, 2, 1, 3)  # (B, T, H, D)
    return heads.reshape(batch, t, c) @ maps[3] + offsets[3], weights


@exercise.truth
def truth(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    y = multi_head_attention_forward(q, k, Maps(*maps, *offsets), n_heads=n_heads, x_v=v, mask=mask)[0]
    queries, keys = (heads_of(x @ maps[n] + offsets[n], n_heads) for n, x in enumerate((q, k)))
    return y, softmax_of(np.einsum("bhtd,bhsd->bhts", queries, keys) / queries.shape[-1] ** 0.5, mask)


@exercise.equal
def head_by_head(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Every head with its own columns, its own rows of w_o, and without b_k, which moves all scores of a query alike."""
    (w_q, w_k, w_v, w_o), (b_q, _, b_v, b_o) = maps, offsets.astype(float)
    d = q.shape[-1] // n_heads
    seen = np.ones((1, 1, 1, 1), bool) if mask is None else mask
    seen = np.broadcast_to(seen, (len(q), n_heads, q.shape[1], k.shape[1]))
    y, weights = np.zeros(q.shape) + b_o, []
    for h, at in enumerate(range(0, q.shape[-1], d)):
        own = slice(at, at + d)
        scores = (q @ w_q[:, own] + b_q[own]) @ (k @ w_k[:, own]).swapaxes(1, 2) / d**0.5
        weights.append(softmax_of(np.where(seen[:, h], scores, -1e30)) * seen[:, h].any(-1, keepdims=True))
        y = y + weights[-1] @ (v @ w_v[:, own] + b_v[own]) @ w_o[own]
    return y, np.stack(weights, axis=1)


@exercise.equal
def offsets_as_one_more_column(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """A 1 at the end of each vector and b as the last row of w; scores by einsum, weights in log space."""
    tall = [np.concatenate([w, b[None]]) for w, b in zip(maps, offsets, strict=True)]
    longer = [np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2) for x in (q, k, v)]
    q, k, v = (
        np.einsum("btc,cm->btm", x, w).reshape(*x.shape[:2], n_heads, -1) for x, w in zip(longer, tall, strict=False)
    )
    scores = np.einsum("bthd,bshd->bhts", q, k) * q.shape[-1] ** -0.5
    seen = np.broadcast_to(True if mask is None else mask, scores.shape)
    scores = np.where(seen, scores, -1e30)
    weights = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)) * seen
    mixed = np.einsum("bhts,bshd->bthd", weights, v).reshape(*q.shape[:2], -1)
    return np.concatenate([mixed, np.ones((*mixed.shape[:2], 1))], axis=2) @ tall[3], weights


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(batch: int, t: int, s: int, c: int, n_heads: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        maps, offsets = n((4, c, c)) / c**0.5, n((4, c))
        texts = {"q": by * n((batch, t, c)), "k": by * n((batch, s, c)), "v": n((batch, s, c))}
        return {**texts, "maps": maps, "offsets": offsets, "n_heads": n_heads} | more

    def seen(*shape: int) -> Any:
        return rng.random(shape) < 0.6

    yield Given("all sizes different", given(2, 3, 5, 8, 4))
    yield Given("three heads of two", given(2, 5, 4, 6, 3))
    yield Given("one text", given(1, 4, 3, 6, 2))
    yield Given("B = T = S = H = D", given(2, 2, 2, 4, 2))
    same = given(2, 4, 4, 6, 2)
    yield Given("self-attention: q, k and v are the same", same | {"k": same["q"].copy(), "v": same["q"].copy()})
    yield Given("scores of thousands", given(2, 3, 4, 6, 2, by=60.0))
    yield Given("a causal mask", given(2, 5, 5, 6, 2, mask=np.tril(np.ones((1, 1, 5, 5), bool))))
    padded = (np.arange(5) < np.array([[5], [2], [3]]))[:, None, None, :]
    yield Given("a padding mask for each text", given(3, 4, 5, 6, 2, mask=padded))
    yield Given(
        "a mask for each head", given(2, 3, 4, 6, 3, mask=np.maximum(seen(1, 3, 3, 4), np.eye(3, 4, dtype=bool)))
    )
    yield Given(
        "a mask for each text and head, T = S = H",
        given(2, 3, 3, 6, 3, mask=np.maximum(seen(2, 3, 3, 3), np.eye(3, dtype=bool))),
    )
    yield Given("a mask for each text and head, B = H", given(2, 3, 4, 4, 2, mask=seen(2, 2, 3, 4)))
    yield Given(
        "large scores behind the mask", given(2, 4, 4, 6, 2, by=15.0, mask=np.tril(np.ones((1, 1, 4, 4), bool)))
    )
    nowhere = np.array([[[[1, 0, 1], [0, 0, 0]]], [[[0, 0, 0], [0, 1, 1]]]], bool)
    yield Given("a query that may look nowhere", given(2, 2, 3, 4, 2, mask=nowhere))
    by_head = np.array([[[[1, 0, 1]], [[0, 0, 0]]]], bool)
    yield Given("a head that may look nowhere", given(2, 3, 3, 4, 2, mask=by_head))
    for about, ((b, t, s, c, h), by, mask, dtype, shifted) in crossed(
        {"2 texts, 3 heads": (2, 3, 5, 9, 3), "one text": (1, 4, 3, 6, 2), "one head": (2, 5, 4, 2, 1),
         "more texts than the rest": (4, 2, 3, 3, 3), "T = S = C": (3, 4, 4, 4, 2), "all sizes 2": (2, 2, 2, 4, 2),
         "one query": (3, 1, 4, 6, 2), "one key": (2, 4, 1, 6, 3), "width 1": (2, 3, 2, 1, 1)},
        {"": 1.0, "large scores": 40.0, "tiny q and k": 1e-3},
        {"": None, "a triangle": (False, False, True, True), "a mask of keys": (True, False, False, True),
         "of heads": (False, True, True, True), "of texts and heads": (True, True, True, True), "for all": (False,) * 4, "of queries": (True, False, True, False)},
        {"": float, "float32": np.float32}, {"": 1, "no offsets": 0},
    ):  # fmt: skip
        shape = tuple(size if has else 1 for size, has in zip((b, h, t, s), mask or (), strict=False))
        kept = {"mask": np.tril(np.ones(shape, bool)) if about.count("triangle") else seen(*shape)} if shape else {}
        if about.count("heads") and shape:  # one query sees nothing
            kept["mask"][-1, 0, -1] = False
        one = given(b, t, s, c, h, by=by)
        one["offsets"] *= shifted
        if by > 1:  # scores are sums of whole numbers, which float32 holds exactly
            one["maps"][:2], one["offsets"][:2] = np.round(2 * one["maps"][:2]), np.round(one["offsets"][:2])
            one |= {"q": np.round(one["q"]), "k": np.round(one["k"])}
        yield Given(about, {k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in one.items()} | kept)

"""Grouped-query attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward

exercise = Exercise(
    "grouped-heads",
    "Grouped-query attention",
    step="memory",
    rules=[
        "x is (B, T, C); vectors are rows: x @ w. A query head has the width D = w_q.shape[1] / n_heads.",
        "w_q is (C, H D), w_k and w_v are (C, G D), w_o is (H D, C); G divides H. G = H and G = 1 are allowed.",
        "Head h has the columns h * D to (h + 1) * D of its map. Query heads that stand together share: the first H / G "
        "of them read key and value head 0, the next H / G head 1, and so on.",
        "Scores are divided by sqrt(D). mask is None, or boolean (T, T) or (B, 1, T, T), True = may look.",
        "A query that may look nowhere gets zeros. Scores of thousands do not overflow. All arguments stay as they are.",
    ],
    hints=[
        "How many key heads are there? Their map tells it.",
        "np.repeat and np.tile both make H heads of G. Which of them puts the copies of one head side by side?",
        "After that it is multi-head attention: what is D, and how do heads become columns again?",
    ],
    learned="H / G query heads in a row read one key and value head, so that only G heads have to be stored.",
    results=["y: (B, T, C)"],
)


@exercise.stub
def grouped_heads(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    """Self-attention with n_heads query heads that share fewer key and value heads.

    x: (B, T, C), mask: None, (T, T) or (B, 1, T, T), True = may look -> (B, T, C)
    """
    ...


@exercise.solution
def solution(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    batch, t, _ = x.shape
    d = w_q.shape[1] // n_heads
    q, k, v = ((x @ w).reshape(batch, t, -1, d).transpose(0, 2, 1, 3) for w in (w_q, w_k, w_v))
    shared = n_heads // k.shape[1]
    k, v = np.repeat(k, shared, axis=1), np.repeat(v, shared, axis=1)  # (B, G, T, D) -> (B, H, T, D)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d)  # (B, H, T, T)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    mixed = e / np.where(total == 0, 1, total) @ v  # (B, H, T, D)
    return mixed.transpose(0, 2, 1, 3).reshape(batch, t, -1) @ w_o


@exercise.truth
def truth(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    groups = w_k.shape[1] * n_heads // w_q.shape[1]
    maps = Maps(w_q, w_k, w_v, w_o)
    return multi_head_attention_forward(x, x, maps, n_heads=n_heads, n_kv_heads=groups, mask=mask)[0]


@exercise.equal
def one_axis_more(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Nothing is repeated: query heads get an axis of groups."""
    (b, t, _), d = x.shape, w_q.shape[1] // n_heads
    q = (x @ w_q).reshape(b, t, w_k.shape[1] // d, -1, d)
    k, v = (x @ w_k).reshape(b, t, -1, d), (x @ w_v).reshape(b, t, -1, d)
    scores = np.einsum("btgrd,bsgd->bgrts", q * d**-0.5, k, optimize=True)
    seen = np.ones((1, 1, t, t), bool) if mask is None else mask.reshape(-1, 1, t, t)
    scores = np.where(seen[:, :, None], scores, -1e30)
    logs = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    weights = np.exp(logs) * seen[:, :, None].any(axis=-1, keepdims=True)
    return np.einsum("bgrts,bsgd->btgrd", weights, v, optimize=True).reshape(b, t, -1) @ w_o


@exercise.equal
def head_by_head(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Each query head with its columns, those of its group, and its rows of w_o."""
    d, y = w_q.shape[1] // n_heads, np.zeros(x.shape)
    for b, h in np.ndindex(len(x), n_heads):
        g = h * w_k.shape[1] // w_q.shape[1]
        own, read = slice(h * d, (h + 1) * d), slice(g * d, (g + 1) * d)
        scores = x[b] @ w_q[:, own] @ w_k[:, read].T @ x[b].T / d**0.5
        for i, row in enumerate(scores):
            seen = np.ones(len(row), bool) if mask is None else mask[i] if mask.ndim == 2 else mask[b, 0, i]
            if seen.any():
                weights = np.exp(row[seen] - row[seen].max())
                y[b, i] += weights @ x[b][seen] @ w_v[:, read] @ w_o[own] / weights.sum()
    return y


#: words -> H and G; D, and C from H D; how large x is; the mask, from B and T
GROUPS = {
    "4 heads, 2 groups": (4, 2), "one head": (1, 1), "2 heads, 1 group": (2, 1), "6 heads, 2 groups": (6, 2), "6 heads, 3 groups": (6, 3),
    "a group each": (3, 3), "4 heads, 1 group": (4, 1),
}  # fmt: skip
WIDTHS: dict[str, Any] = {
    "": lambda h: (3, 5),
    "D = 1": lambda h: (1, 4),
    "C = H D": lambda h: (2, 2 * h),
    "D = 16": lambda h: (16, 3),
    "D = T": lambda h: (4, 7),
}
BY = {"": 1.0, "large scores": 6.0, "very large scores": 60.0, "small scores": 0.01}
MASKS: dict[str, Any] = {
    "": lambda u: None,
    "all open": lambda u: u[0, 0] <= 1,
    "causal": lambda u: np.tri(u.shape[-1], dtype=bool),
    "one mask for all texts": lambda u: (u < 0.6)[0, 0],
    "a mask for each text": lambda u: (u < 0.6) | np.eye(u.shape[-1], dtype=bool),
    "queries that see nothing": lambda u: (u < 0.7) & (np.arange(u.shape[-1]) > 0)[:, None],
    "the very last query sees nothing": lambda u: np.arange(u.size).reshape(u.shape) < u.size - u.shape[-1],
    "padding": lambda u: np.broadcast_to(np.arange(u.shape[-1]) <= u[..., :1, :1] * u.shape[-1], u.shape).copy(),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(
        b: int, t: int, c: int, h: int, g: int, d: int, by: float = 1.0, **more: Any
    ) -> dict[str, Any]:  # fmt: skip
        sizes = {"w_q": (c, h * d), "w_k": (c, g * d), "w_v": (c, g * d), "w_o": (h * d, c)}
        maps = {name: rng.standard_normal(size) / size[0] ** 0.5 for name, size in sizes.items()}
        return {"x": by * rng.standard_normal((b, t, c)), **maps, "n_heads": h} | more

    yield Given("six query heads, two groups", given(2, 5, 7, 6, 2, 3))
    yield Given("four query heads, two groups", given(3, 4, 8, 4, 2, 2))
    yield Given("one key head for all", given(2, 3, 5, 4, 1, 2))
    yield Given("a key head for each", given(2, 5, 6, 3, 3, 4))
    yield Given("one head", given(2, 3, 4, 1, 1, 6))
    yield Given("heads of width 1", given(2, 3, 4, 4, 2, 1))
    yield Given("one text", given(1, 4, 6, 6, 3, 2))
    yield Given("one token", given(3, 1, 6, 4, 2, 3))
    yield Given("B = T = G = D", given(2, 2, 8, 4, 2, 2))
    yield Given("T = H, H D = C", given(2, 4, 8, 4, 2, 2))
    yield Given("T = D, three groups of four", given(2, 3, 5, 12, 3, 3))
    yield Given("large scores", given(2, 4, 6, 4, 2, 3, by=6.0))
    yield Given("very large scores", given(2, 4, 6, 4, 2, 3, by=60.0))
    yield Given("small scores", given(2, 4, 6, 4, 2, 3, by=0.01))
    yield Given("wide heads", given(2, 3, 4, 4, 2, 32))
    yield Given("wide heads, one group, B = T = H", given(4, 4, 5, 4, 1, 16))
    yield Given("wide heads, three groups, causal", given(2, 6, 5, 6, 3, 16, mask=np.tri(6, dtype=bool)))
    yield Given("a causal mask", given(2, 5, 6, 6, 2, 3, mask=np.tri(5, dtype=bool)))
    yield Given("a causal mask, T = H", given(2, 4, 6, 4, 2, 3, mask=np.tri(4, dtype=bool)))
    padded = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)[:, None, None, :] & np.ones((2, 1, 4, 4), bool)
    yield Given("a mask for each text", given(2, 4, 6, 4, 2, 3, mask=padded))
    left = np.array([[0, 1, 1], [0, 0, 1], [1, 1, 1]], bool)[:, None, None, :] & np.tri(3, dtype=bool)
    blocked = np.array([[[1, 0, 1], [0, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 1], [0, 0, 0]]], bool)[:, None]
    yield Given("other queries that may look nowhere in each text", given(2, 3, 5, 4, 2, 3, mask=blocked))
    yield Given("queries that may look nowhere, B = T", given(3, 3, 5, 4, 2, 2, mask=left))
    behind = given(2, 4, 5, 4, 2, 3, mask=np.array([1, 1, 1, 0], bool) & np.ones((4, 4), bool))
    behind["x"][:, 3] *= 1e3
    yield Given("large numbers behind the mask", behind)
    small = given(2, 3, 6, 4, 2, 3)
    yield Given("float32", {k: v if k == "n_heads" else v.astype(np.float32) for k, v in small.items()})
    for about, (b, t, (h, g), width, by, mask, dtype) in crossed(
        {"": 2, "1 text": 1, "3 texts": 3}, {"T = 4": 4, "one token": 1, "two tokens": 2, "T = 3": 3}, GROUPS, WIDTHS, BY, MASKS,
        {"": float, "float32": np.float32},
    ):  # fmt: skip
        d, c = width(h)
        made = given(b, t, c, h, g, d, by)
        made = {name: one.astype(dtype) if isinstance(one, np.ndarray) else one for name, one in made.items()}
        seen = mask(rng.random((b, 1, t, t)))
        yield Given(about, made if seen is None else made | {"mask": seen})

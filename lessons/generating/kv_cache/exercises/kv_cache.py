"""New tokens read stored keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward

exercise = Exercise(
    "kv-cache",
    "One step with a KV cache",
    step="one_step",
    rules=[
        "keys and values are (B, H, M, D): those of the M tokens that were read before, in order; M may be 0.",
        "x is (B, T, C), of the T new tokens behind them; mostly T = 1. Token i has the place M + i, and row M + i of "
        "table (places, C) is added to it first.",
        "The maps w_q, w_k, w_v are (C, A), w_o is (A, C), A = H D; vectors are rows, head h has the columns h * D to "
        "(h + 1) * D, scores are divided by sqrt(D).",
        "A new token sees all stored tokens, the new ones before it, and itself. Scores of thousands do not overflow.",
        "Returned are y and the keys and values (B, H, M + T, D), stored ones first, as new arrays. All arguments stay.",
    ],
    hints=[
        "What does the model make of a new token, besides its query? Where does it go?",
        "The scores are (B, H, T, M + T). Which of their columns are open to new token 0, and which to the last one?",
        "At which place does the first new token stand, if M were read before?",
    ],
    learned="new keys and values are put behind the old ones, the query sees them all, and places go on from M.",
    results=["y: (B, T, C)", "keys: (B, H, M + T, D)", "values: (B, H, M + T, D)"],
)


@exercise.stub
def kv_step(x, table, w_q, w_k, w_v, w_o, keys, values):
    """The self-attention of new tokens, which reads what was stored, and what is stored afterwards.

    x: (B, T, C), table: (places, C), keys, values: (B, H, M, D)
    -> y: (B, T, C), keys, values: (B, H, M + T, D)
    """
    ...


@exercise.solution
def solution(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    (batch, t, _), (_, n_heads, m, d) = x.shape, keys.shape
    x = x + table[m : m + t]
    q, k, v = ((x @ w).reshape(batch, t, n_heads, d).transpose(0, 2, 1, 3) for w in (w_q, w_k, w_v))
    keys, values = np.concatenate([keys, k], axis=2), np.concatenate([values, v], axis=2)
    scores = q @ keys.transpose(0, 1, 3, 2) / np.sqrt(d)  # (B, H, T, M + T)
    seen = np.arange(m + t) <= m + np.arange(t)[:, None]
    scores = np.where(seen, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = e / e.sum(axis=-1, keepdims=True) @ values  # (B, H, T, D)
    return mixed.transpose(0, 2, 1, 3).reshape(batch, t, -1) @ w_o, keys, values


@exercise.truth
def truth(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    t, (_, h, m, _) = x.shape[1], keys.shape
    x = x + table[m : m + t]
    y, cache = multi_head_attention_forward(
        x, x, Maps(w_q, w_k, w_v, w_o), n_heads=h, past=KeyValue(keys, values), mask=causal_mask(t, past=m)
    )
    return y, cache.present.k, cache.present.v


@exercise.equal
def token_by_token(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """Each new token is a step of its own, so that no mask is needed."""
    y = np.zeros(x.shape)
    b, h, _, d = keys.shape
    for i in range(x.shape[1]):
        token = x[:, i] + table[keys.shape[2]]
        q, k, v = ((token @ w).reshape(b, h, 1, d) for w in (w_q, w_k, w_v))
        keys, values = np.append(keys, k, axis=2), np.append(values, v, axis=2)
        scores = np.einsum("bhod,bhsd->bhs", q, keys) / d**0.5
        weights = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
        y[:, i] = np.einsum("bhs,bhsd->bhd", weights, values).reshape(b, -1) @ w_o
    return y, keys, values


@exercise.equal
def old_and_new_apart(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """Scores against stored and new keys are made apart, and share one sum; head by head."""
    (b, t, _), (_, h, m, d) = x.shape, keys.shape
    x, y = x + table[m : m + t], np.zeros(x.shape)
    stored = [np.empty((b, h, m + t, d), keys.dtype) for _ in range(2)]
    for text, head in np.ndindex(b, h):
        own = slice(head * d, (head + 1) * d)
        q, k, v = (x[text] @ w[:, own] for w in (w_q, w_k, w_v))
        old, new = q @ keys[text, head].T / d**0.5, q @ k.T / d**0.5
        top = np.maximum(old.max(axis=1, initial=-np.inf), np.where(np.tri(t) > 0, new, -np.inf).max(axis=1))[:, None]
        old, new = np.exp(old - top), np.tri(t) * np.exp(np.minimum(new - top, 0))
        total = old.sum(axis=1, keepdims=True) + new.sum(axis=1, keepdims=True)
        y[text] += (old @ values[text, head] + new @ v) / total @ w_o[own]
        for whole, past, more in zip(stored, (keys, values), (k, v), strict=True):
            whole[text, head] = np.vstack([past[text, head], more])
    return y, *stored


#: words -> C, H and D; how large x and the stored keys are; the table, from random numbers and how many rows are needed
WIDTHS = {
    "": (6, 2, 3), "one head": (4, 1, 5), "heads of width 1": (5, 3, 1), "H = D, C = A": (4, 2, 2), "wide heads": (5, 2, 16),
}  # fmt: skip
STORED = {f"{m} stored": m for m in (3, 0, 1, 2, 20)}
NEW = {"one new": 1, "2 new": 2, "3 new": 3, "5 new": 5}
BY = {"": 1.0, "large scores": 6.0, "very large scores": 60.0, "small numbers": 0.01}
TABLES: dict[str, Any] = {
    "": lambda rows, needed: rows,
    "no row to spare": lambda rows, needed: rows[:needed],
    "a table of zeros": lambda rows, needed: 0 * rows,
    "equal rows": lambda rows, needed: np.repeat(rows[:1], len(rows), axis=0),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(b: int, t: int, m: int, c: int, h: int, d: int, by: float = 1.0) -> dict[str, Any]:
        maps = {name: n((c, h * d)) / c**0.5 for name in ("w_q", "w_k", "w_v")}
        found = {"x": by * n((b, t, c)), "table": n((m + t + 2, c)), **maps, "w_o": n((h * d, c)) / (h * d) ** 0.5}
        return found | {"keys": by * n((b, h, m, d)), "values": n((b, h, m, d))}

    yield Given("one new token, all sizes different", given(3, 1, 5, 7, 2, 4))
    yield Given("three new tokens", given(2, 3, 4, 6, 3, 5))
    yield Given("one text, one new token", given(1, 1, 4, 6, 2, 3))
    yield Given("nothing stored yet, one token", given(2, 1, 0, 6, 3, 2))
    yield Given("nothing stored yet, four tokens", given(2, 4, 0, 6, 3, 2))
    yield Given("one token stored", given(2, 1, 1, 5, 2, 3))
    yield Given("one head", given(2, 2, 3, 4, 1, 6))
    yield Given("heads of width 1", given(2, 2, 3, 4, 4, 1))
    yield Given("as many new ones as stored", given(2, 3, 3, 8, 2, 4))
    yield Given("B = H = M = T = D", given(2, 2, 2, 4, 2, 2))
    yield Given("more new ones than stored", given(2, 5, 2, 6, 2, 3))
    yield Given("H = M", given(3, 1, 4, 8, 4, 2))
    yield Given("fifty stored", given(2, 2, 50, 6, 2, 3))
    yield Given("large numbers", given(2, 3, 4, 6, 2, 3, by=6.0))
    yield Given("very large scores", given(2, 3, 4, 6, 2, 3, by=60.0))
    yield Given("very large scores, one token", given(2, 1, 4, 6, 2, 3, by=60.0))
    yield Given("small numbers", {**given(2, 3, 4, 6, 2, 3, by=0.01), "table": 0.01 * n((8, 6))})
    yield Given("a table of zeros", {**given(2, 3, 4, 6, 2, 3), "table": np.zeros((7, 6))})
    yield Given("a table with no row to spare", {**given(2, 2, 3, 6, 2, 3), "table": n((5, 6))})
    yield Given("wide heads", given(2, 2, 3, 4, 2, 32))
    yield Given("one wide head, as many new ones as stored", given(2, 3, 3, 4, 1, 16))
    large = given(2, 3, 4, 6, 2, 3, by=60.0)
    yield Given("large numbers, small queries", large | {"w_q": large["w_q"] / 1000})
    narrow = given(2, 3, 20, 5, 3, 1)
    yield Given(
        "heads of width 1, twenty stored, float32", {name: one.astype(np.float32) for name, one in narrow.items()}
    )
    yield Given("float32", {name: one.astype(np.float32) for name, one in given(2, 2, 3, 6, 2, 4).items()})
    for about, (b, t, m, (c, h, d), by, table, dtype) in crossed(
        {"": 2, "1 text": 1, "3 texts": 3}, NEW, STORED, WIDTHS, BY, TABLES, {"": float, "float32": np.float32}
    ):
        made = given(b, t, m, c, h, d, by)
        made["table"] = table(made["table"] * min(by, 1), m + t)
        yield Given(about, {name: one.astype(dtype) for name, one in made.items()})

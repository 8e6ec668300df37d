"""The steps of softmax-attention about the axis: sums, and a leak through the causal mask."""

from __future__ import annotations

import numpy as np

from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Question, Step, Table, Text

T, S = 3, 4


def row_sums(seed: int) -> Step:
    """Normalising over keys and, by mistake, over queries."""
    batch = np.random.default_rng(seed).standard_normal((2, 2, T, S))  # (B, H, T, S)
    scores = batch[0, 0]
    right, wrong = softmax_forward(scores, axis=-1)[0], softmax_forward(scores, axis=-2)[0]
    keys, queries = tuple(f"k{i + 1}" for i in range(S)), tuple(f"q{i + 1}" for i in range(T))
    per_head = softmax_forward(batch)[0].sum(axis=-1)
    off = float(abs(per_head - 1).max())
    uneven = float(abs(wrong.sum(axis=-1) - 1).max())
    return Step(
        "Along which axis? Along the keys",
        (
            Formula("scores (B, h, n_q, n_k)     softmax over the last axis", "sum over keys = 1 for every query"),
            Question(
                f"{T} queries, {S} keys, softmax over the keys. What is the sum of all {T * S} weights?",
                float(right.sum()),
                0.001,
                f"Each of the {T} rows sums to 1. Columns need not.",
            ),
            Matrix("over keys (right)", _with_sum(right), ("query", "key"), queries, (*keys, "sum")),
            Matrix("over queries (wrong)", _with_sum(wrong), ("query", "key"), queries, (*keys, "sum")),
            Text(
                f"Over the wrong axis the columns sum to 1 and the rows to {wrong.sum(axis=-1).min():.2f} .. "
                f"{wrong.sum(axis=-1).max():.2f}: outputs are no averages any more, and no error is raised. With the "
                f"right axis the columns sum to {right.sum(axis=-2).min():.2f} .. {right.sum(axis=-2).max():.2f}: some "
                "keys are read more than others, which is the point."
            ),
            Check("rows", f"all {per_head.size} rows of {batch.shape} sum to 1", 0.0, off, 1e-12, off <= 1e-12),
            Check(
                "wrong-axis", "the wrong axis breaks the row sums: worst", "> 0", uneven, "above 1e-6", uneven > 1e-6
            ),
        ),
        (f"tfx explain softmax-attention --step 4 --seed {seed + 1}",),
    )


def leak(seed: int) -> Step:
    """The last query changes: with the wrong axis, earlier outputs notice."""
    rng = np.random.default_rng(seed)
    n = 5
    q, k, v = (rng.standard_normal((n, 3)) for _ in range(3))
    changed = q.copy()
    changed[-1] += 2.0
    mask = causal_mask(n)
    right = abs(attention_forward(changed, k, v, mask)[0] - attention_forward(q, k, v, mask)[0]).max(axis=-1)
    wrong = abs(over_queries(changed, k, v, mask) - over_queries(q, k, v, mask)).max(axis=-1)
    rows = tuple({"row": f"token {i + 1}", "right": right[i], "wrong": wrong[i]} for i in range(n))
    kept, leaked = float(right[:-1].max()), float(wrong[:-1].max())
    return Step(
        "The wrong axis leaks the future through a correct mask",
        (
            Text(
                f"{n} tokens under a causal mask. The query of the last token is changed; the outputs of the tokens "
                "before it must not notice."
            ),
            Table(
                f"How far each output moves when token {n} asks something else",
                (
                    Column("row", "output of"),
                    Column("right", "over keys", digits=3),
                    Column("wrong", "over queries", digits=3),
                ),
                rows,
            ),
            Text(
                "A column that is normalised over the queries shares one unit among all tokens that may read this "
                "key, later ones included. When a later token takes more, an earlier one gets less: it has seen the "
                "future, although every blocked weight is exactly 0."
            ),
            Check("kept", "over keys: earlier outputs move by", 0.0, kept, "exact", kept == 0.0),
            Check("leak", "over queries: earlier outputs move by", "> 0", leaked, "above 1e-9", leaked > 1e-9),
            Code(over_queries),
        ),
        (f"tfx explain softmax-attention --step 5 --seed {seed + 1}",),
    )


def over_queries(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Attention with the mistake: softmax over the queries (axis -2) instead of the keys.  q (T, D) -> (T, Dv)."""
    scores = np.where(mask, q @ k.T / q.shape[-1] ** 0.5, -np.inf)
    return softmax_forward(scores, axis=-2)[0] @ v


def _with_sum(weights: np.ndarray) -> np.ndarray:
    return np.concatenate([weights, weights.sum(axis=-1, keepdims=True)], axis=-1)

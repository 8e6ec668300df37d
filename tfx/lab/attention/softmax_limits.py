"""Where softmax ends: overflow of the form without the maximum, weights that underflow to 0, and the wrong axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.gradcheck.mistakes.ops.attention.masks import softmax_over_queries
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward


def overflow_limit(dtype: Any) -> float:
    """The largest score whose exp is still finite in this type."""
    return math.log(float(np.finfo(dtype).max))


def zero_gap(dtype: Any) -> int:
    """The smallest whole gap below the best score at which softmax gives exactly 0 in this type."""
    gap = 1
    while softmax_forward(np.array([0.0, -gap], dtype=dtype))[0][1] > 0:
        gap += 1
    return gap


def over_queries(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Attention with the mistake: softmax over the queries (axis -2) instead of the keys.  q (T, D) -> (T, Dv)."""
    return np.asarray(softmax_over_queries(q @ k.T / q.shape[-1] ** 0.5, mask) @ v)


def moved_by_the_last_query(rng: np.random.Generator, tokens: int, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Largest change of each output under a causal mask when the last query changes: over keys, over queries; (T,)."""
    q, k, v = (rng.standard_normal((tokens, width)) for _ in range(3))
    changed, mask = q.copy(), causal_mask(tokens)
    changed[-1] += 2.0
    right = abs(attention_forward(changed, k, v, mask)[0] - attention_forward(q, k, v, mask)[0]).max(axis=-1)
    wrong = abs(over_queries(changed, k, v, mask) - over_queries(q, k, v, mask)).max(axis=-1)
    return right, wrong


def top_in_words(weights: np.ndarray) -> str:
    """The largest weight as text, or what went wrong with the row."""
    if np.isnan(weights).any():
        return "NaN"
    if not math.isclose(float(weights.sum()), 1.0, rel_tol=1e-4):
        return f"sums to {weights.sum():.3g}"
    return f"{weights.max():.4f}"

"""One query against a handful of keys: attention read as a soft lookup, and the hard lookup that it turns into.

    score_i = s q.k_i      weight_i = exp(score_i) / sum_j exp(score_j)      answer = sum_i weight_i v_i

s is a sharpness.  At s = 0 the answer is the mean of the values.  A key that leads n - 1 equal others by g in score has
the weight 1 / (1 + (n - 1) exp(-g)), so the answer tends to the value of the best key as s, and with it g, grows.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1, where s is 1 / sqrt(d_k).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.lab.attention.word_vectors import word_vectors
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_forward
from tfx.ops.attention.self_attention import self_attention_forward

#: Scores that differ by no more than this are a tie.
TIE = 1e-12


class Answer(NamedTuple):
    """scores, weights: (S,); value: (Dv,)."""

    scores: np.ndarray
    weights: np.ndarray
    value: np.ndarray


def look_up(query: np.ndarray, keys: np.ndarray, values: np.ndarray, sharpness: float) -> Answer:
    """query: (D,), keys: (S, D), values: (S, Dv), float -> the soft answer, by the library's own attention.

    Raises ValueError when widths or lengths do not fit.
    """
    value, cache = attention_forward(query[None], keys, values, scale=sharpness)
    return Answer(sharpness * (keys @ query), cache.weights[0], value[0])


def best_match(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float]:
    """The hard lookup: the value of the best key, (Dv,), and the gap from its score to the next lower one.

    Several keys that tie share the answer: their mean.  The gap is infinite when all keys tie: then no sharpness can
    tell them apart.  Shapes as in `look_up`.
    """
    scores = keys @ query
    best = np.isclose(scores, scores.max(), rtol=0.0, atol=TIE)
    lower = scores[~best]
    gap = float(scores.max() - lower.max()) if lower.size else math.inf
    return values[best].mean(axis=0), gap


def attend_at_random(words: tuple[str, ...], seed: int) -> tuple[np.ndarray, AttentionCache]:
    """Self-attention with random vectors (equal words, equal vectors) and random projections -> out: (T, 2), cache."""
    rng = np.random.default_rng(seed)
    w_q, w_k, w_v = (rng.standard_normal((4, width)) for width in (3, 3, 2))
    out, cache = self_attention_forward(word_vectors(words, 4, seed), w_q, w_k, w_v)
    return out, cache.attention

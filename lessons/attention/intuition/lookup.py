"""The soft dictionary of the first steps: three entries, each a key and a value, and a query that the reader sets."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.ops.attention.scaled_dot_product import attention_forward

ENTRIES = ("lemonade", "cocoa", "soup")
KEY_NAMES = ("sweet", "warm")
VALUE_NAMES = ("sugar", "price")
KEYS = np.array([[0.9, 0.0], [0.8, 0.9], [0.0, 1.0]])
VALUES = np.array([[24.0, 3.0], [18.0, 4.0], [3.0, 6.0]])


class Answer(NamedTuple):
    """scores, weights: (3,); value: (2,)."""

    scores: np.ndarray
    weights: np.ndarray
    value: np.ndarray


def look_up(query: np.ndarray, sharpness: float) -> Answer:
    """One query against the dictionary, by the library's own attention with `sharpness` in the place of 1/sqrt(d_k)."""
    value, cache = attention_forward(query[None], KEYS, VALUES, scale=sharpness)
    return Answer(sharpness * (KEYS @ query), cache.weights[0], value[0])


def best_match(query: np.ndarray) -> tuple[np.ndarray, float]:
    """The value of the best key (the mean of several that tie), and the gap between its score and the next lower one.

    The gap is infinite when all keys tie: then no sharpness can tell them apart.
    """
    scores = KEYS @ query
    best = np.isclose(scores, scores.max(), rtol=0.0, atol=1e-12)
    lower = scores[~best]
    gap = float(scores.max() - lower.max()) if lower.size else math.inf
    return VALUES[best].mean(axis=0), gap

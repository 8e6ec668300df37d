"""Which key is the same number as the query?  Numbers come as one input each, and a score has to be largest for equals.

    additive      tanh(a (x - y) + 1) - tanh(a (x - y) - 1)        a bump at x = y, of two hidden units
    dot product   (x a + b) . (y c + d)                            linear in y, so that an end always wins

With 16 numbers in a row additive scores find all, and dot products two at most, whatever their width.
"""

from __future__ import annotations

import numpy as np

from tfx.ops.attention.additive_attention import additive_scores_forward
from tfx.ops.attention.general_scores import dot_scores_forward

#: (16, 1), evenly from -1 to 1.
NUMBERS = np.linspace(-1, 1, 16)[:, None]


def found_by_additive(sharpness: float = 20.0) -> float:
    """The share of numbers that find themselves with the two hidden units above."""
    w = np.full((1, 2), sharpness)
    scores, _ = additive_scores_forward(NUMBERS, NUMBERS, w, -w, np.array([1.0, -1.0]), np.array([1.0, -1.0]))
    return found(scores)


def found_by_dot_products(rng: np.random.Generator, width: int = 8, draws: int = 500) -> float:
    """The best share of so many random projections with offsets."""
    best = 0.0
    for _ in range(draws):
        q, k = (NUMBERS @ rng.standard_normal((1, width)) + rng.standard_normal(width) for _ in range(2))
        best = max(best, found(dot_scores_forward(q, k)[0]))
    return best


def found(scores: np.ndarray) -> float:
    """scores: (16, 16) -> the share of rows whose largest score is their own."""
    return float((scores.argmax(axis=1) == np.arange(len(scores))).mean())

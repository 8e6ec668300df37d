"""How often hashing finds the nearest vector, and how many pairs it compares for that."""

from __future__ import annotations

import numpy as np


def twins(n: int, d: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """(n, d): n / 2 random directions of length 1, and of each a twin, moved by a normal step of that size."""
    first = rng.standard_normal((n // 2, d))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = first + noise * rng.standard_normal(first.shape) / np.sqrt(d)
    return np.concatenate([first, second / np.linalg.norm(second, axis=1, keepdims=True)])


def nearest(x: np.ndarray) -> np.ndarray:
    """x: (T, D) -> (T,) the number of the other vector that points most nearly the same way."""
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return np.asarray(alike.argmax(axis=1))


def found_by_round(x: np.ndarray, buckets: np.ndarray) -> np.ndarray:
    """buckets: (R, T) -> (R,) the share of vectors whose nearest shares a bucket in round 1, in 1 or 2 ..."""
    met = buckets == buckets[:, nearest(x)]
    return np.asarray(np.logical_or.accumulate(met).mean(axis=1))


def compared(buckets: np.ndarray) -> np.ndarray:
    """(R, T) -> (R,) the share of pairs of different tokens that share a bucket in round 1, in 1 or 2 ..."""
    together = np.logical_or.accumulate(buckets[:, :, None] == buckets[:, None, :])
    n = buckets.shape[1]
    return np.asarray((together.sum(axis=(1, 2)) - n) / (n * (n - 1)))

"""Other ways from scores to weights: sparsemax, normalised ReLU, sigmoid.  Forward and backward, for the last axis.

sparsemax        y = the point of the simplex {y >= 0, sum y = 1} nearest to x = max(x - tau, 0), tau so that sum y = 1
    With k entries above tau, tau = (their sum - 1) / k.  Sort x downwards; k is the largest j with
    1 + j x_(j) > x_(1) + ... + x_(j).
    Derivation of the backward: on the support, y_i = x_i - tau and dtau/dx_j = 1/k, so dy_i/dx_j = delta_ij - 1/k:
    dx = dy - mean of dy over the support; outside the support nothing moves, dx = 0.
normalised ReLU  y = r / sum r,  r = max(x, 0);  a row without a positive score gives zeros
    dr_j = (dy_j - sum_i dy_i y_i) / sum r, as for any normalised row; dx = dr where x > 0 and 0 elsewhere.
sigmoid          y = 1 / (1 + exp(-x)), each score for itself; rows do not sum to 1
    dx = dy y (1 - y)

Sources: Martins and Astudillo 2016, "From Softmax to Sparsemax", sections 2.2 and 2.5; Ramapuram et al. 2024,
"Theory, Analysis, and Best Practices for Sigmoid Self-Attention".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class SparsemaxCache(NamedTuple):
    support: np.ndarray


class NormalisedReluCache(NamedTuple):
    y: np.ndarray
    total: np.ndarray
    positive: np.ndarray


def sparsemax_forward(x: np.ndarray) -> tuple[np.ndarray, SparsemaxCache]:
    """x: (..., S) -> y: (..., S), not negative, rows sum to 1, small scores give exactly 0."""
    ordered = np.sort(x, axis=-1)[..., ::-1]
    sums = ordered.cumsum(axis=-1)
    count = np.arange(1, x.shape[-1] + 1)
    k = (1 + count * ordered > sums).sum(axis=-1, keepdims=True)
    tau = (np.take_along_axis(sums, k - 1, axis=-1) - 1) / k
    y = np.maximum(x - tau, 0)
    return y, SparsemaxCache(y > 0)


def sparsemax_backward(dy: np.ndarray, cache: SparsemaxCache) -> np.ndarray:
    """dy: (..., S) -> dx: (..., S)."""
    (support,) = cache
    mean = (dy * support).sum(axis=-1, keepdims=True) / support.sum(axis=-1, keepdims=True)  # tau is 1/k of each
    return np.where(support, dy - mean, 0)  # y = max(x - tau, 0)


def normalised_relu_forward(x: np.ndarray) -> tuple[np.ndarray, NormalisedReluCache]:
    """x: (..., S) -> y: (..., S), not negative; rows sum to 1, or to 0 where no score is positive."""
    r = np.maximum(x, 0)
    total = r.sum(axis=-1, keepdims=True)
    y = r / np.where(total > 0, total, 1)
    return y, NormalisedReluCache(y, total, x > 0)


def normalised_relu_backward(dy: np.ndarray, cache: NormalisedReluCache) -> np.ndarray:
    """dy: (..., S) -> dx: (..., S); a row without a positive score gets zeros."""
    y, total, positive = cache
    inner = (dy * y).sum(axis=-1, keepdims=True)
    dr = (dy - inner) / np.where(total > 0, total, 1)  # y = r / total
    return np.where(positive, dr, 0)  # r = max(x, 0)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x: any shape -> y in (0, 1), the same shape; exp never sees a positive number, so nothing overflows."""
    small = np.exp(-abs(x))
    y = np.where(x >= 0, 1, small) / (1 + small)
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """dy: shape of y -> dx."""
    return dy * cache * (1 - cache)


def naive_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(x) / sum exp(x) as it is written, without taking off the maximum: overflows, and then gives NaN."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        e = np.exp(x)
        return e / e.sum(axis=axis, keepdims=True)

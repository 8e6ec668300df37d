"""Calibration: of the answers given with 80 % confidence, are 80 % right?

    accuracy(b), confidence(b)     of the answers whose confidence falls into bin b
    ECE = sum_b (n_b / n) |accuracy(b) - confidence(b)|

Temperature scaling divides all logits by one number, fitted on held-out data: no answer changes, only how sure it
sounds.

    T* = argmin_T  mean cross-entropy(logits / T)            convex in 1 / T, so bisection on the slope finds it
    d/db mean(-log p_target) = mean(sum_v p_v x_v - x_target)     with b = 1 / T, p = softmax(b x)

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", sections 2 and 4.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.basics.softmax import softmax_forward


class Reliability(NamedTuple):
    """For each bin of confidence, lowest first: edges (n_bins + 1,), counts, accuracy and confidence (n_bins,).

    Empty bins have accuracy and confidence 0.  error: the expected calibration error."""

    edges: np.ndarray
    counts: np.ndarray
    accuracy: np.ndarray
    confidence: np.ndarray
    error: float


def reliability(probabilities: np.ndarray, labels: np.ndarray, n_bins: int = 10) -> Reliability:
    """probabilities: (N, classes), rows sum to 1; labels: (N,) integers.  A confidence is the largest probability.

    Raises ValueError for no rows, for labels of another number, and for NaN and all else outside 0 .. 1.
    """
    if len(probabilities) == 0 or labels.shape != (len(probabilities),):
        raise ValueError(f"{labels.shape} labels do not fit probabilities of shape {probabilities.shape}")
    outside = ~((probabilities >= 0) & (probabilities <= 1 + 1e-5))  # NaN too; rounding may leave a bit above 1
    if outside.any():
        raise ValueError(
            f"a probability is a number from 0 to 1, not {probabilities[outside][0]}; logits need a softmax"
        )
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    shared = np.maximum(count, 1)
    accuracy = np.bincount(bins, weights=right, minlength=n_bins) / shared
    mean_confidence = np.bincount(bins, weights=confidence, minlength=n_bins) / shared
    error = float((count / count.sum() * np.abs(accuracy - mean_confidence)).sum())
    return Reliability(np.linspace(0, 1, n_bins + 1), count, accuracy, mean_confidence, error)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, n_bins: int = 10) -> float:
    """ECE, 0 (as sure as right) to 1."""
    return reliability(probabilities, labels, n_bins).error


def fit_temperature(logits: np.ndarray, labels: np.ndarray, low: float = 1e-3, high: float = 1e3) -> float:
    """logits: (N, classes), labels: (N,) -> the temperature with the least cross-entropy, between low and high."""
    log_low, log_high = np.log(1 / high), np.log(1 / low)
    target = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0].astype("float64")
    for _ in range(60):
        middle = (log_low + log_high) / 2
        p, _ = softmax_forward(logits.astype("float64") * np.exp(middle))
        slope = ((p * logits).sum(axis=1) - target).mean()  # of the loss in b = 1 / T: negative = sharpen further
        log_low, log_high = (middle, log_high) if slope < 0 else (log_low, middle)
    return float(np.exp(-(log_low + log_high) / 2))

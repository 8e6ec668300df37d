"""Estimates of exp(x . y) by random features: Performer's positive ones, and the cosines and sines before them.

    positive         phi(x)_i = exp(w_i . x - |x|^2 / 2) / sqrt(m)
    trigonometric    exp(|x|^2 / 2) (cos(w_i . x), sin(w_i . x)) / sqrt(m)

Both are unbiased: the mean of phi(x) . phi(y) over normal w is exp(x . y).  Only the first is never negative.
Sources: Choromanski et al. 2021, "Rethinking Attention with Performers", lemma 1; Rahimi and Recht 2007, "Random
Features for Large-Scale Kernel Machines".
"""

from __future__ import annotations

import numpy as np


def positive_features(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x: (T, D), w: (m, D) -> (T, m).  tfx/efficient/performer.py has them in other units."""
    return np.asarray(np.exp(x @ w.T - (x * x).sum(axis=-1, keepdims=True) / 2) / np.sqrt(len(w)))


def trigonometric_features(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x: (T, D), w: (m, D) -> (T, 2 m)."""
    angle = x @ w.T
    size = np.exp((x * x).sum(axis=-1, keepdims=True) / 2) / np.sqrt(len(w))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=-1) * size

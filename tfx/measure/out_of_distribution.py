"""Does this input look like those of training?  Scores, higher = more familiar.

    confidence   max_v softmax(x)_v                        of the logits x; Hendrycks and Gimpel 2017
    energy       T log sum_v exp(x_v / T)                  of the logits; Liu et al. 2020, equation 4, negated
    distance     - min_c (h - mean_c)^T S^-1 (h - mean_c)  of hidden states h; Lee et al. 2018, equation 2

mean_c: of the hidden states of class c in training; S: their covariance around the means, shared by all classes.
Logits only say what speaks for which class; far from everything it has seen a network may be surer than at home.  The
distance asks instead whether such a hidden state has occurred.
"""

from __future__ import annotations

import numpy as np

from tfx.ops.basics.logsumexp import logsumexp_forward
from tfx.ops.basics.softmax import softmax_forward


def confidence_score(logits: np.ndarray) -> np.ndarray:
    """logits: (..., classes) -> (...,)."""
    return softmax_forward(logits)[0].max(axis=-1)


def energy_score(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """logits: (..., classes) -> (...,)."""
    return temperature * logsumexp_forward(logits / temperature)[0]


class DistanceScore:
    """Fitted on hidden: (N, C) and labels: (N,) of training; ridge: added to the diagonal of S, as a share of its mean.

    Raises ValueError when their numbers differ.
    """

    def __init__(self, hidden: np.ndarray, labels: np.ndarray, ridge: float = 1e-3) -> None:
        if len(hidden) != len(labels):
            raise ValueError(f"{len(labels)} labels do not fit {len(hidden)} hidden states")
        h = hidden.astype("float64")
        classes, which = np.unique(labels, return_inverse=True)
        self.means = np.stack([h[labels == label].mean(axis=0) for label in classes])  # (classes, C)
        away = h - self.means[which]
        covariance = away.T @ away / len(h)
        covariance += ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        self.inverse = np.linalg.inv(covariance)

    def score(self, hidden: np.ndarray) -> np.ndarray:
        """hidden: (N, C) -> (N,), at most 0."""
        away = hidden.astype("float64")[:, None] - self.means  # (N, classes, C)
        return -((away @ self.inverse) * away).sum(axis=-1).min(axis=1)

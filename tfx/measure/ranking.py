"""AUROC: the chance that a random positive scores higher than a random negative.

    AUROC = (number of pairs in the right order + half of the ties) / (positives negatives)

By ranks (Mann and Whitney 1947): (sum of the ranks of the positives - n (n + 1) / 2) / (positives negatives), ties
sharing the mean of their ranks.  0.5 is chance, 1 is perfect; no threshold has to be chosen.
"""

from __future__ import annotations

import numpy as np


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """scores: (N,), positive: (N,) bool.  Raises ValueError unless there are both."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise ValueError(f"{n_positive} positives and {n_negative} negatives: there must be some of both")
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[which]  # from 1; equal scores share the mean
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))

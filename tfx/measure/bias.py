"""Two measures of bias: what embeddings associate, and whether a model exaggerates what its data hold.

Association (WEAT, Caliskan et al. 2017): words w of two sets X and Y, attributes A and B

    s(w) = mean over a in A of cos(w, a) - mean over b in B of cos(w, b)
    effect = (mean of s over X - mean of s over Y) / standard deviation of s over X and Y          between -2 and 2

Amplification (after Zhao et al. 2017, "Men Also Like Shopping"): among cases of one label, the share of one group in
the predictions minus its share in the data; 0 = as biased as the data, above 0 = more.
"""

from __future__ import annotations

import numpy as np


def association(words: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """words: (N, C), a: (K, C), b: (M, C), no zero vectors -> s: (N,)."""
    return (_unit(words) @ _unit(a).T).mean(axis=1) - (_unit(words) @ _unit(b).T).mean(axis=1)


def association_effect(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """x, y: (N, C), (M, C), the two sets of words -> the effect size, with the standard deviation of the sample."""
    s_x, s_y = association(x, a, b), association(y, a, b)
    return float((s_x.mean() - s_y.mean()) / np.concatenate([s_x, s_y]).std(ddof=1))


def bias_amplification(predicted: np.ndarray, label: np.ndarray, group: np.ndarray) -> dict[int, float]:
    """predicted, label: (N,) integers; group: (N,) bool -> for each label: share of the group among those predicted to
    have it, minus its share among those that have it.  Labels never predicted are left out."""
    known = set(np.unique(predicted).tolist()) & set(np.unique(label).tolist())
    return {value: float(group[predicted == value].mean() - group[label == value].mean()) for value in sorted(known)}


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))

"""How much do tokens differ, and how widely does attention look?

    rank      residual(X) = |X - 1 x|_F / |X|_F,  x = mean over tokens         0 = all tokens equal, rank one
    entropy   mean over queries of H(weights) / log(keys seen)                 1 = looks everywhere, 0 = at one token

Sources: Dong et al. 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth";
entropy: Zhai et al. 2023, "Stabilizing Transformer Training by Preventing Attention Entropy Collapse".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.ops.basics.entropy import entropy


def rank_residual(x: np.ndarray) -> np.ndarray:
    """x: (..., T, C) -> (...,), 0 to 1."""
    away = x - x.mean(axis=-2, keepdims=True)
    return np.sqrt((away * away).sum(axis=(-2, -1)) / (x * x).sum(axis=(-2, -1)))


def entropy_share(weights: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """weights: (..., T, S); mask as in attention -> (...,), 0 to 1.  Queries that see one key only are left out.

    Raises ValueError when no query sees two.
    """
    seen = np.full(weights.shape[-2:], True) if mask is None else np.broadcast_to(mask, weights.shape[-2:])
    n_seen = seen.sum(axis=-1)
    if not (n_seen > 1).any():
        raise ValueError("no query sees more than one key")
    return (entropy(weights)[..., n_seen > 1] / np.log(n_seen[n_seen > 1])).mean(axis=-1)


def through_model(cache: Any) -> tuple[np.ndarray, np.ndarray]:
    """cache: of an Encoder -> the residual of what enters each block, (L,), and the entropy of each head, (L, H)."""
    residuals = np.array([float(rank_residual(block.x).mean()) for block in cache.blocks])
    entropies = [entropy_share(block.weights).mean(axis=0) for block in cache.blocks]
    return residuals, np.stack(entropies)

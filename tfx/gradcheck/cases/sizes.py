"""Sizes that are odd and all different, so that no mix-up of axes fits, and draws that many cases need."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.dropout import dropout_mask

Rng = np.random.Generator

B, H, T, S, D, DV, C, F, V = 2, 3, 5, 7, 4, 2, 9, 11, 8  # C = H * 3

IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])  # (B, T), below V, with repetitions
SOURCE = np.array([[1, 1, 4, 0, 7, 2, 1], [5, 4, 4, 6, 3, 0, 0]])  # (B, S)
PADDED = padding_mask([S, 4], S)  # the second sequence has four tokens


def heads(rng: Rng, n_queries: int = T, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H)) -> dict[str, Any]:
    """q: (B, H, T, D), k: (..., S, D), v: (..., S, Dv)."""
    return {
        "q": rng.standard_normal((B, H, n_queries, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }


def some_allowed(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """A random mask with about two thirds allowed, and in every row at least one key."""
    mask = rng.random(shape) < 0.67
    mask[..., 0] = True
    return mask


def blocked_row_and_dropout(rng: Rng, row: tuple[int, int, int]) -> dict[str, Any]:
    """What attention may be given besides its inputs: a mask (B, H, T, S) that blocks this row, dropout, a scale."""
    mask = some_allowed(rng, (B, H, T, S))
    mask[row] = False
    return {"mask": mask, "dropout": dropout_mask((B, H, T, S), 0.3, rng), "scale": 0.8}


def off_zero(x: np.ndarray) -> np.ndarray:
    """x moved away from 0, where relu has a kink."""
    return x + np.where(x < 0, -0.1, 0.1)

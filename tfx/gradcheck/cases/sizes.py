"""Sizes that are odd and all different, so that no mix-up of axes fits, and draws that several families need."""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator

B, H, T, S, D, DV, C, F, V = 2, 3, 5, 7, 4, 2, 9, 11, 8  # C = H * 3


def some_allowed(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """A random mask with about two thirds allowed, and in every row at least one key."""
    mask = rng.random(shape) < 0.67
    mask[..., 0] = True
    return mask


def off_zero(x: np.ndarray) -> np.ndarray:
    """x moved away from 0, where relu has a kink."""
    return x + np.where(x < 0, -0.1, 0.1)

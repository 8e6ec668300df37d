"""Who reads whom on a grid that is cut into windows, before and after a cyclic shift."""

from __future__ import annotations

import numpy as np

from tfx.ops.grids.windows import shifted_window_mask, split_windows_forward


def window_pairs(side: int, window: int, shift: int = 0) -> np.ndarray:
    """-> (side^2, side^2) bool: place (counted row by row) reads place, in windows of a square grid, as Swin does."""
    n = side * side
    numbers = np.arange(n, dtype="float64").reshape(1, side, side, 1)
    split, _ = split_windows_forward(numbers, window, shift)
    places = split[0, :, :, 0].astype(int)  # (windows, places of a window)
    near = shifted_window_mask((side, side), window, shift)
    pairs = np.zeros((n, n), dtype=bool)
    for inside, allowed in zip(places, near, strict=True):
        pairs[np.ix_(inside, inside)] = allowed
    return pairs


def reached(masks: list[np.ndarray], place: int) -> list[int]:
    """How many places that place has news of after each of these layers, one mask for each."""
    n = len(masks[0])
    news, counts = np.eye(n, dtype=bool), []
    for mask in masks:
        news = (mask.astype(np.float32) @ news.astype(np.float32)) > 0
        counts.append(int(news[place].sum()))
    return counts

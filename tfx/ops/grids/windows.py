"""Windows on a grid: each M x M square becomes a short sequence of its own, before or after a cyclic shift.

    rolled[b, i, j] = x[b, (i + s) mod R, (j + s) mod W]          up and to the left by s
    y[b, n, m] = rolled[b, ...]                                   place m of window n, both counted row by row

A Transformer that attends inside windows costs O(T M^2) instead of O(T^2), but windows never hear of each other.
Shifting every second layer by M / 2 puts the borders elsewhere.  The shift is cyclic, so the number of windows stays
the same; the windows at the lower and right end then hold places from opposite ends of the grid, which are no
neighbours: `shifted_window_mask` lets them attend only to places of their own region.

Derivation.  Both steps only move numbers: a permutation, whose transpose is its inverse.  Backward cuts windows back
into the grid and rolls the other way; `merge_windows`, which ends a block, is the same map the other way round.
Source: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", section 3.2, figures
2 and 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.grids.patches import PatchesCache, patch_grid, patches_backward, patches_forward


class WindowsCache(NamedTuple):
    shape: tuple[int, ...]  # of the grid
    window: int
    shift: int


@in_float32
def split_windows_forward(x: Array, window: int, shift: int = 0) -> tuple[Array, WindowsCache]:
    """x: (B, R, W, C), window: M, shift: s -> y: (B, N, M M, C), cache.

    Raises ValueError unless x has four axes and squares of M cover the grid exactly.
    """
    patch_grid(x.shape, window)
    return _split(x, window, shift), WindowsCache(tuple(x.shape), window, shift)


@in_float32
def split_windows_backward(dy: Array, cache: WindowsCache) -> Array:
    """dy: (B, N, M M, C) -> dx: (B, R, W, C)."""
    return _merge(dy, *cache)


@in_float32
def merge_windows_forward(y: Array, grid: tuple[int, int], window: int, shift: int = 0) -> tuple[Array, WindowsCache]:
    """y: (B, N, M M, C), grid: (R, W) -> x: (B, R, W, C), cache; undoes `split_windows_forward`.

    Raises ValueError unless there are as many windows and places as the grid has.
    """
    shape = (y.shape[0], *grid, y.shape[-1])
    rows, columns = patch_grid(shape, window)
    if y.shape[1:-1] != (rows * columns, window * window):
        raise ValueError(f"windows {y.shape} do not fill a grid of {grid[0]} x {grid[1]} with squares of {window}")
    cache = WindowsCache(shape, window, shift)
    return _merge(y, *cache), cache


@in_float32
def merge_windows_backward(dx: Array, cache: WindowsCache) -> Array:
    """dx: (B, R, W, C) -> dy: (B, N, M M, C)."""
    return _split(dx, cache.window, cache.shift)


def shifted_window_mask(grid: tuple[int, int], window: int, shift: int, xp: Any = np) -> Array:
    """-> (N, M M, M M) bool, True where two places of a window were neighbours before the shift.

    Raises ValueError unless 0 <= shift < window and squares of M cover the grid.
    """
    if not 0 <= shift < window:
        raise ValueError(f"a shift of {shift} makes no sense for windows of {window}")
    first = (xp.arange(grid[0]) >= grid[0] - shift).astype("int64")  # came around from the upper end
    second = (xp.arange(grid[1]) >= grid[1] - shift).astype("int64")  # ... from the left end
    region = (2 * first[:, None] + second)[None, :, :, None]
    regions = _split(region, window, 0)[0, :, :, 0]  # (N, M M)
    return regions[:, :, None] == regions[:, None, :]


def _split(x: Array, window: int, shift: int) -> Array:
    if shift:
        x = xp_of(x).roll(x, (-shift, -shift), axis=(1, 2))
    squares, _ = patches_forward(x, window)  # (B, N, M M C)
    return squares.reshape(*squares.shape[:2], window * window, x.shape[-1])


def _merge(y: Array, shape: tuple[int, ...], window: int, shift: int) -> Array:
    squares = y.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
    x = patches_backward(squares, PatchesCache(shape, window))
    return xp_of(x).roll(x, (shift, shift), axis=(1, 2)) if shift else x

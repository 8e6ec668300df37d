"""Swin: encoder blocks that work inside the windows of a grid, every second one shifted, and merging of patches.

    SwinBlock       y = merge_windows(encoder_block(split_windows(x, M, s), mask))           (B, R, W, C) -> the same
    SwinStage       blocks with s = 0, M / 2, 0, M / 2, ...
    PatchMerging    four neighbours become one: norm([x_1 ... x_4]) W                        (B, R/2, W/2, 2C)

Everything in an encoder block but attention works place by place, so the whole block may stand inside the windows.  Its
attention has a learned bias for each offset in a window, and behind a shift a mask (ops/grids/windows.py).

Exact: a window as large as the grid is plain attention; then the shift is 0, as there is nothing to join.  Cost:
O(T M^2 C) instead of O(T^2 C) for T = R W places; it pays as soon as the grid is larger than a window.
Source: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", sections 3.1 and
3.2, equations 3 and 4.  (Their merging reads the four columns first; a permutation of the rows of W.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.attention import AttentionParts
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.relative_bias import GridRelativeBias
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import PatchesCache, patch_grid, patches_backward, patches_forward
from tfx.ops.grids.windows import (
    WindowsCache,
    merge_windows_backward,
    merge_windows_forward,
    shifted_window_mask,
    split_windows_backward,
    split_windows_forward,
)
from tfx.params import Layer


class SwinBlockCache(NamedTuple):
    split: WindowsCache
    block: BlockCache
    merge: WindowsCache


class PatchMergingCache(NamedTuple):
    patches: PatchesCache
    norm: Any
    linear: LinearCache


class SwinBlock(Layer):
    """Owns block: an EncoderBlock whose attention has a GridRelativeBias for one window.

    window: M, cut down to the shorter side of the grid; shift: s, 0 where one window is all.
    Raises ValueError when windows do not cover the grid or s is not below M.
    """

    def __init__(
        self,
        settings: BlockSettings,
        grid: tuple[int, int],
        window: int,
        shift: int,
        rng: np.random.Generator,
    ) -> None:
        if not isinstance(grid, Sequence) or len(grid) != 2:
            raise ValueError(f"grid must be (rows, columns), not {grid!r}")
        for name, size, least in (("window", window, 1), ("shift", shift, 0), *(("grid", side, 1) for side in grid)):
            whole_number(name, size, least)
        self.grid = grid
        self.window = min(window, *grid)
        self.shift = shift if self.window == window and grid != (window, window) else 0
        patch_grid((1, *grid, settings.d_model), self.window)
        shifted_window_mask(grid, self.window, self.shift)  # settings that do not fit are refused here
        bias = GridRelativeBias(self.window, self.window, settings.n_heads, rng, settings.dtype)
        self.block = EncoderBlock(settings, rng, AttentionParts(position_bias=bias))

    def forward(self, x: Array, rng: Any = None) -> tuple[Array, SwinBlockCache]:
        """x: (B, R, W, C) -> y: (B, R, W, C).  rng: dropout, None for evaluation."""
        if x.shape[1:3] != self.grid:
            raise ValueError(f"the block works on a grid of {self.grid} but this one is {x.shape[1:3]}")
        mask = None
        if self.shift:
            mask = shifted_window_mask(self.grid, self.window, self.shift, xp_of(x))[:, None]  # for all heads
        windows, split = split_windows_forward(x, self.window, self.shift)  # (B, N, M M, C)
        windows, block = self.block.forward(windows, mask, rng)
        y, merge = merge_windows_forward(windows, self.grid, self.window, self.shift)
        return y, SwinBlockCache(split, block, merge)

    def backward(self, dy: Array, cache: SwinBlockCache) -> Array:
        """dy: (B, R, W, C) -> dx: (B, R, W, C)."""
        dwindows = merge_windows_backward(dy, cache.merge)  # y = merge_windows(windows)
        dwindows = self.block.backward(dwindows, cache.block)
        return split_windows_backward(dwindows, cache.split)  # windows = split_windows(x)


class SwinStage(Layer):
    """n_layers blocks, every second one shifted by half a window."""

    def __init__(self, settings: StackSettings, grid: tuple[int, int], window: int, rng: np.random.Generator) -> None:
        whole_number("window", window, 1)
        shifts = [(i % 2) * (window // 2) for i in range(settings.n_layers)]
        self.blocks = [SwinBlock(settings.layer(i), grid, window, shift, rng) for i, shift in enumerate(shifts)]

    def forward(self, x: Array, rng: Any = None) -> tuple[Array, tuple[SwinBlockCache, ...]]:
        """x: (B, R, W, C) -> y: (B, R, W, C)."""
        return forward_through(self.blocks, x, ((rng,) for _ in self.blocks))

    def backward(self, dy: Array, cache: tuple[SwinBlockCache, ...]) -> Array:
        """dy: (B, R, W, C) -> dx: (B, R, W, C)."""
        return backward_through(self.blocks, dy, cache)


class PatchMerging(Layer):
    """Owns norm: LayerNorm(4 C) and linear: Linear(4 C, width_out) without bias; width_out is 2 C unless told."""

    def __init__(
        self, width: int, rng: np.random.Generator, width_out: int | None = None, dtype: Any = "float32"
    ) -> None:
        self.norm = LayerNorm(4 * width, dtype)
        self.linear = Linear(4 * width, 2 * width if width_out is None else width_out, rng, bias=False, dtype=dtype)

    def forward(self, x: Array) -> tuple[Array, PatchMergingCache]:
        """x: (B, R, W, C) -> y: (B, R / 2, W / 2, 2 C).  Raises ValueError for odd sides."""
        four, patches = patches_forward(x, 2)  # (B, N, 4 C)
        normed, norm = self.norm.forward(four)
        y, linear = self.linear.forward(normed)
        return y.reshape(x.shape[0], *patch_grid(x.shape, 2), y.shape[-1]), PatchMergingCache(patches, norm, linear)

    def backward(self, dy: Array, cache: PatchMergingCache) -> Array:
        """dy: (B, R / 2, W / 2, 2 C) -> dx: (B, R, W, C)."""
        dy = dy.reshape(dy.shape[0], dy.shape[1] * dy.shape[2], dy.shape[3])
        dfour = self.norm.backward(self.linear.backward(dy, cache.linear), cache.norm)  # y = norm(four) W
        return patches_backward(dfour, cache.patches)  # four = patches(x)

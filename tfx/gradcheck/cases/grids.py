"""Attention on grids: windows, shifted windows, reduced grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.models.pyramid_vision_transformer import PyramidVisionTransformer
from tfx.models.swin_transformer import SwinTransformer
from tfx.nn.spatial_reduction import PyramidBlock, PyramidStack, SpatialReductionAttention
from tfx.nn.swin import PatchMerging, SwinBlock, SwinStage
from tfx.ops.grids.windows import (
    WindowsCache,
    merge_windows_backward,
    merge_windows_forward,
    split_windows_backward,
    split_windows_forward,
)

GRID, WIDTH, HEADS, D_FF, DIRECTIONS = (4, 6), 6, 3, 7, 1


def _grid(rng: Rng, width: int = WIDTH) -> Any:
    return rng.standard_normal((B, *GRID, width))


def split_windows(rng: Rng, shift: int) -> Problem:
    fixed = {"window": 2, "shift": shift}
    return Problem(split_windows_forward, split_windows_backward, {"x": _grid(rng, 3)}, fixed)


def merge_windows(rng: Rng, shift: int) -> Problem:
    fixed = {"grid": GRID, "window": 2, "shift": shift}
    return Problem(merge_windows_forward, merge_windows_backward, {"y": rng.standard_normal((B, 6, 4, 3))}, fixed)


def swin_block(rng: Rng, shift: int, norm: str) -> Problem:
    layer = SwinBlock(WIDTH, HEADS, D_FF, GRID, 2, shift, rng, norm=norm, dropout=0.2)
    return layer_problem(layer, rng, {"x": _grid(rng)}, dropout_seed=5, directions=DIRECTIONS)


def swin_stage(rng: Rng) -> Problem:
    layer = SwinStage(2, WIDTH, HEADS, D_FF, GRID, 2, rng)
    return layer_problem(layer, rng, {"x": _grid(rng)}, directions=DIRECTIONS)


def patch_merging(rng: Rng) -> Problem:
    return layer_problem(PatchMerging(3, rng, 5), rng, {"x": _grid(rng, 3)}, directions=DIRECTIONS)


def spatial_reduction(rng: Rng, reduction: int) -> Problem:
    layer = SpatialReductionAttention(WIDTH, HEADS, reduction, rng)
    return layer_problem(layer, rng, {"x": _grid(rng)}, directions=DIRECTIONS)


def pyramid_block(rng: Rng) -> Problem:
    return layer_problem(PyramidBlock(WIDTH, HEADS, D_FF, 2, rng), rng, {"x": _grid(rng)}, directions=DIRECTIONS)


def pyramid_stack(rng: Rng) -> Problem:
    layer = PyramidStack(GRID, (4, 6), (1, 3), (2, 1), (1, 2), rng, ratio=2)
    return layer_problem(layer, rng, {"x": _grid(rng, 4)}, directions=DIRECTIONS)


def swin_transformer(rng: Rng) -> Problem:
    layer = SwinTransformer((8, 8), 2, 3, 2, 4, (1, 2), (2, 1), 2, 2)
    return layer_problem(layer, rng, {"images": rng.standard_normal((B, 8, 8, 2))}, directions=DIRECTIONS)


def pyramid_transformer(rng: Rng) -> Problem:
    layer = PyramidVisionTransformer((8, 8), 2, 3, 2, (4, 6), (1, 3), (2, 1), (1, 1), 2)
    return layer_problem(layer, rng, {"images": rng.standard_normal((B, 8, 8, 2))}, directions=DIRECTIONS)


def rolled_the_same_way_again(dy: Any, cache: WindowsCache) -> Any:
    return np.roll(split_windows_backward(dy, cache), (-2 * cache.shift, -2 * cache.shift), axis=(1, 2))


def merged_without_the_shift(dx: Any, cache: WindowsCache) -> Any:
    return merge_windows_backward(dx, cache._replace(shift=0))


CASES = (
    Case(split_windows_backward, "windows", lambda rng: split_windows(rng, 0), linear=True),
    Case(split_windows_backward, "shifted", lambda rng: split_windows(rng, 1), linear=True),
    Case(merge_windows_backward, "windows", lambda rng: merge_windows(rng, 0), linear=True),
    Case(merge_windows_backward, "shifted", lambda rng: merge_windows(rng, 1), linear=True),
    Case(SwinBlock, "pre-LN, dropout", lambda rng: swin_block(rng, 0, "pre")),
    Case(SwinBlock, "shifted, res-post-norm, dropout", lambda rng: swin_block(rng, 1, "inner")),
    Case(SwinStage, "a pair of blocks", swin_stage),
    Case(PatchMerging, "four places to one", patch_merging),
    Case(SpatialReductionAttention, "reduction 2", lambda rng: spatial_reduction(rng, 2)),
    Case(SpatialReductionAttention, "no reduction", lambda rng: spatial_reduction(rng, 1)),
    Case(PyramidBlock, "reduction 2", pyramid_block),
    Case(PyramidStack, "two stages", pyramid_stack),
    Case(SwinTransformer, "two stages", swin_transformer),
    Case(PyramidVisionTransformer, "two stages", pyramid_transformer),
)

CONTROLS = (
    Control("split_windows", "rolled the same way again", rolled_the_same_way_again, lambda rng: split_windows(rng, 1)),
    Control("merge_windows", "without the shift", merged_without_the_shift, lambda rng: merge_windows(rng, 1)),
)

"""Cases of tfx/nn/swin.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.ops.grids.windows import GRID, WIDTH, grid
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.swin import PatchMerging, SwinBlock, SwinStage

HEADS, D_FF, DIRECTIONS = 3, 7, 1


def swin_block(rng: Rng, shift: int, norm_place: str) -> Problem:
    layer = SwinBlock(BlockSettings(WIDTH, HEADS, D_FF, norm_place=norm_place, dropout=0.2), GRID, 2, shift, rng)
    return layer_problem(layer, rng, {"x": grid(rng)}, dropout_seed=5, directions=DIRECTIONS)


def swin_stage(rng: Rng) -> Problem:
    layer = SwinStage(StackSettings(WIDTH, HEADS, D_FF, 2), GRID, 2, rng)
    return layer_problem(layer, rng, {"x": grid(rng)}, directions=DIRECTIONS)


def patch_merging(rng: Rng) -> Problem:
    return layer_problem(PatchMerging(3, rng, 5), rng, {"x": grid(rng, 3)}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(SwinBlock, "pre-LN, dropout", lambda rng: swin_block(rng, 0, "pre")),
    Case(SwinBlock, "shifted, res-post-norm, dropout", lambda rng: swin_block(rng, 1, "inner")),
    Case(SwinStage, "a pair of blocks", swin_stage),
    Case(PatchMerging, "four places to one", patch_merging),
)

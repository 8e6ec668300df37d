"""Cases of tfx/nn/spatial_reduction.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.ops.grids.windows import GRID, WIDTH, grid
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.spatial_reduction import PyramidBlock, PyramidStack, SpatialReductionAttention

HEADS, D_FF, DIRECTIONS = 3, 7, 1


def spatial_reduction(rng: Rng, reduction: int) -> Problem:
    layer = SpatialReductionAttention(WIDTH, HEADS, reduction, rng)
    return layer_problem(layer, rng, {"x": grid(rng)}, directions=DIRECTIONS)


def pyramid_block(rng: Rng) -> Problem:
    return layer_problem(PyramidBlock(WIDTH, HEADS, D_FF, 2, rng), rng, {"x": grid(rng)}, directions=DIRECTIONS)


def pyramid_stack(rng: Rng) -> Problem:
    layer = PyramidStack(GRID, (4, 6), (1, 3), (2, 1), (1, 2), rng, ratio=2)
    return layer_problem(layer, rng, {"x": grid(rng, 4)}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(SpatialReductionAttention, "reduction 2", lambda rng: spatial_reduction(rng, 2)),
    Case(SpatialReductionAttention, "no reduction", lambda rng: spatial_reduction(rng, 1)),
    Case(PyramidBlock, "reduction 2", pyramid_block),
    Case(PyramidStack, "two stages", pyramid_stack),
)

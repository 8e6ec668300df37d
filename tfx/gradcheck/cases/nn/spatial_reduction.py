"""Cases of tfx/nn/spatial_reduction.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.ops.grids.windows import GRID, WIDTH, grid
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.spatial_reduction import PyramidBlock, PyramidSettings, PyramidStack, SpatialReductionAttention

HEADS, DIRECTIONS = 3, 1


def spatial_reduction(rng: Rng, reduction: int) -> Problem:
    layer = SpatialReductionAttention(WIDTH, HEADS, reduction, rng)
    return layer_problem(layer, rng, {"x": grid(rng)}, directions=DIRECTIONS)


def pyramid_block(rng: Rng) -> Problem:
    layer = PyramidBlock(PyramidSettings((WIDTH,), (HEADS,), (2,), (1,), 2), 0, rng)
    return layer_problem(layer, rng, {"x": grid(rng)}, directions=DIRECTIONS)


def pyramid_stack(rng: Rng) -> Problem:
    layer = PyramidStack(PyramidSettings((4, 6), (1, 3), (2, 1), (1, 2), 2), GRID, rng)
    return layer_problem(layer, rng, {"x": grid(rng, 4)}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(SpatialReductionAttention, "reduction 2", lambda rng: spatial_reduction(rng, 2)),
    Case(SpatialReductionAttention, "no reduction", lambda rng: spatial_reduction(rng, 1)),
    Case(PyramidBlock, "reduction 2", pyramid_block),
    Case(PyramidStack, "two stages", pyramid_stack),
)

"""Cases of tfx/nn/grid_positions.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, Rng
from tfx.nn.grid_positions import GridPositions


def grid_positions(rng: Rng) -> Problem:
    return layer_problem(GridPositions((2, 3), n_before=1), rng, {"x": rng.standard_normal((B, 7, D))})


CASES: tuple[Case, ...] = (Case(GridPositions, "a token before the grid", grid_positions),)

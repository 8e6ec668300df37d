"""Cases of tfx/ops/positions/positions.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, S, T
from tfx.ops.positions.positions import (
    add_positions_backward,
    add_positions_forward,
    concat_positions_backward,
    concat_positions_forward,
)


def add_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, C))}
    return Problem(add_positions_forward, add_positions_backward, inputs, {"start": start})


def concat_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, F))}
    return Problem(concat_positions_forward, concat_positions_backward, inputs, {"start": start})


CASES: tuple[Case, ...] = (
    Case(add_positions_backward, "learned table", add_positions),
    Case(add_positions_backward, "starting at 2", partial(add_positions, start=2)),
    Case(concat_positions_backward, "learned table", concat_positions),
    Case(concat_positions_backward, "starting at 1", partial(concat_positions, start=1)),
)

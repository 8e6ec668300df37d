"""Positions."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, S, T
from tfx.ops.positions import PositionsCache, add_positions_backward, add_positions_forward


def add_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, C))}
    return Problem(add_positions_forward, add_positions_backward, inputs, {"start": start})


def positions_averaged(dy: Any, cache: PositionsCache) -> Any:
    dx, dtable = add_positions_backward(dy, cache)
    return dx, dtable / len(dy)


def positions_from_the_top(dy: Any, cache: PositionsCache) -> Any:
    return add_positions_backward(dy, cache._replace(start=0))


CASES: tuple[Case, ...] = (
    Case(add_positions_backward, "learned table", add_positions),
    Case(add_positions_backward, "starting at 2", partial(add_positions, start=2)),
)

CONTROLS: tuple[Control, ...] = (
    Control("add_positions", "the table gradient is a mean", positions_averaged, add_positions),
    Control("add_positions", "the start is ignored", positions_from_the_top, partial(add_positions, start=2)),
)

"""Cases of tfx/ops/basics/where.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.basics.where import where_backward, where_forward


def where(rng: Rng, x: tuple[int, ...] = (B, T, C), other: tuple[int, ...] = (B, T, C)) -> Problem:
    inputs = {"x": rng.standard_normal(x), "other": rng.standard_normal(other)}
    return Problem(where_forward, where_backward, inputs, {"mask": rng.random((T, C)) < 0.6})


CASES: tuple[Case, ...] = (
    Case(where_backward, "equal shapes", where),
    Case(where_backward, "both stretched", partial(where, x=(B, 1, C), other=(T, 1))),
)

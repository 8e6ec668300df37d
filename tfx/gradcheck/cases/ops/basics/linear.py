"""Cases of tfx/ops/basics/linear.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, T
from tfx.ops.basics.linear import linear_backward, linear_forward


def linear(rng: Rng, lead: tuple[int, ...] = (B, T), bias: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((*lead, C)), "w": rng.standard_normal((C, F))}
    if bias:
        inputs["b"] = rng.standard_normal(F)
    return Problem(linear_forward, linear_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(linear_backward, "batch of sequences", linear),
    Case(linear_backward, "no bias", partial(linear, bias=False)),
    Case(linear_backward, "one vector", partial(linear, lead=())),
)

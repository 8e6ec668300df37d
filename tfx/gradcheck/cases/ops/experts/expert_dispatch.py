"""Cases of tfx/ops/experts/expert_dispatch.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, K, N, a_choice
from tfx.gradcheck.cases.sizes import C, Rng
from tfx.ops.experts.expert_capacity import within_capacity
from tfx.ops.experts.expert_dispatch import (
    combine_backward,
    combine_forward,
    dispatch_backward,
    dispatch_forward,
    plan_dispatch,
)


def _dispatch(x: Any, experts: Any, keep: Any) -> Any:
    return dispatch_forward(x, plan_dispatch(experts, E, keep))


def _combine(out: Any, gates: Any, experts: Any, keep: Any) -> Any:
    return combine_forward(out, gates, plan_dispatch(experts, E, keep))


def _routes(rng: Rng, drops: bool) -> dict[str, Any]:
    experts = a_choice(rng)
    return {"experts": experts, "keep": within_capacity(experts, E, 2) if drops else None}


def dispatch(rng: Rng, drops: bool = False) -> Problem:
    return Problem(_dispatch, dispatch_backward, {"x": rng.standard_normal((N, C))}, _routes(rng, drops))


def combine(rng: Rng, drops: bool = False) -> Problem:
    inputs = {"out": rng.standard_normal((N * K, C)), "gates": rng.random((N, K))}
    return Problem(_combine, combine_backward, inputs, _routes(rng, drops))


CASES: tuple[Case, ...] = (
    Case(dispatch_backward, "two choices", dispatch),
    Case(dispatch_backward, "with drops", partial(dispatch, drops=True)),
    Case(combine_backward, "two choices", combine),
    Case(combine_backward, "with drops", partial(combine, drops=True)),
)

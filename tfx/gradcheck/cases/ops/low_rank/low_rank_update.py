"""Cases of tfx/ops/low_rank/low_rank_update.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import F, Rng
from tfx.ops.low_rank.low_rank_update import low_rank_update_backward, low_rank_update_forward

R = 2


def low_rank_update(rng: Rng) -> Problem:
    inputs = {"w": rng.standard_normal((C, F)), "a": rng.standard_normal((C, R)), "b": rng.standard_normal((R, F))}
    return Problem(low_rank_update_forward, low_rank_update_backward, inputs, {"scale": 1.7})


CASES: tuple[Case, ...] = (Case(low_rank_update_backward, "rank 2", low_rank_update),)

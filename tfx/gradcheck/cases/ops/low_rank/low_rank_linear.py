"""Cases of tfx/ops/low_rank/low_rank_linear.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, T
from tfx.ops.low_rank.low_rank_linear import low_rank_linear_backward, low_rank_linear_forward


def low_rank_linear(rng: Rng, bias: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "u": rng.standard_normal((C, 2)), "v": rng.standard_normal((2, F))}
    inputs |= {"b": rng.standard_normal(F)} if bias else {}
    return Problem(low_rank_linear_forward, low_rank_linear_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(low_rank_linear_backward, "rank 2", low_rank_linear),
    Case(low_rank_linear_backward, "no bias", partial(low_rank_linear, bias=False)),
)

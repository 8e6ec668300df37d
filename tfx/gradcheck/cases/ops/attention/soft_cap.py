"""Cases of tfx/ops/attention/soft_cap.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.ops.attention.soft_cap import soft_cap_backward, soft_cap_forward


def soft_cap(rng: Rng, cap: float) -> Problem:
    return Problem(soft_cap_forward, soft_cap_backward, {"x": rng.standard_normal((B, T, S))}, {"cap": cap})


CASES: tuple[Case, ...] = (
    Case(soft_cap_backward, "cap 0.7", partial(soft_cap, cap=0.7)),
    Case(soft_cap_backward, "cap 50", partial(soft_cap, cap=50.0)),
)

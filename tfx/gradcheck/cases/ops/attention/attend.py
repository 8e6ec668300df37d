"""Cases of tfx/ops/attention/attend.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, H, Rng, S, T, some_allowed
from tfx.ops.attention.attend import attend_backward, attend_forward


def attend(rng: Rng, blocked_row: bool = False) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    if blocked_row:
        mask[0, 1, 2] = False
    inputs = {"scores": rng.standard_normal((B, H, T, S)), "v": rng.standard_normal((B, H, S, DV))}
    return Problem(attend_forward, attend_backward, inputs, {"mask": mask})


CASES: tuple[Case, ...] = (
    Case(attend_backward, "random mask", attend),
    Case(attend_backward, "a fully blocked row", partial(attend, blocked_row=True)),
)

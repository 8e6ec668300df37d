"""Cases of tfx/ops/basics/class_token.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.basics.class_token import class_token_backward, class_token_forward


def class_token(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "token": rng.standard_normal(C)}
    return Problem(class_token_forward, class_token_backward, inputs)


CASES: tuple[Case, ...] = (Case(class_token_backward, "batch of sequences", class_token),)

"""Cases of tfx/ops/experts/load_balance.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, N, a_choice
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.load_balance import load_balance_backward, load_balance_forward


def load_balance(rng: Rng, k: int = 1) -> Problem:
    inputs = {"probabilities": rng.random((N, E))}
    return Problem(load_balance_forward, load_balance_backward, inputs, {"experts": a_choice(rng, k)})


CASES: tuple[Case, ...] = (
    Case(load_balance_backward, "one choice", load_balance),
    Case(load_balance_backward, "two choices", partial(load_balance, k=2)),
)

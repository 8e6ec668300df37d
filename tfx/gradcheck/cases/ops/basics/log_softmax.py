"""Cases of tfx/ops/basics/log_softmax.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward


def log_softmax(rng: Rng, axis: int = -1, scale: float = 1.0) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    return Problem(log_softmax_forward, log_softmax_backward, {"x": x}, {"axis": axis})


CASES: tuple[Case, ...] = (
    Case(log_softmax_backward, "last axis", log_softmax),
    Case(log_softmax_backward, "middle axis", partial(log_softmax, axis=1)),
    Case(log_softmax_backward, "scores 30 times larger", partial(log_softmax, scale=30.0)),
)

"""Cases of tfx/ops/recurrence/gru.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.recurrence.through_time import LENGTHS, STEPS, WIDTH, gates, with_last
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.recurrence.gru import gru_backward, gru_forward


def gru(rng: Rng, steps: int = STEPS, two_biases: bool = True, **fixed: Any) -> Problem:
    return Problem(*with_last(gru_forward, gru_backward), gates(rng, 3, WIDTH, WIDTH, steps, two_biases), fixed)


CASES: tuple[Case, ...] = (
    Case(gru_backward, "reset before", gru),
    Case(gru_backward, "reset after", partial(gru, linear_before_reset=True)),
    Case(gru_backward, "reset before, one offset, padding", partial(gru, two_biases=False, lengths=LENGTHS)),
    Case(
        gru_backward,
        "reset after, reverse, padding",
        partial(gru, linear_before_reset=True, reverse=True, lengths=LENGTHS),
    ),
)

"""Cases of tfx/ops/basics/dropout.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.basics.dropout import dropout_backward, dropout_forward, dropout_mask


def dropout(rng: Rng, rate: float | None = 0.4, shape: tuple[int, ...] = (B, T, C)) -> Problem:
    multiplier = None if rate is None else dropout_mask(shape, rate, rng)
    x = rng.standard_normal((B, T, C))
    return Problem(dropout_forward, dropout_backward, {"x": x}, {"multiplier": multiplier})


CASES: tuple[Case, ...] = (
    Case(dropout_backward, "rate 0.4", dropout),
    Case(dropout_backward, "one mask for the batch", partial(dropout, shape=(1, T, C))),
    Case(dropout_backward, "evaluation", partial(dropout, rate=None)),
)

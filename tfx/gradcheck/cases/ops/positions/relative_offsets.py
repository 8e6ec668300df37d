"""Cases of tfx/ops/positions/relative_offsets.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T
from tfx.ops.positions.relative_offsets import (
    offset_bias_backward,
    offset_bias_forward,
    relative_shift_backward,
    relative_shift_forward,
)


def relative_shift(rng: Rng, n_offsets: int = T + S - 1) -> Problem:
    x = rng.standard_normal((B, H, T, n_offsets))
    return Problem(relative_shift_forward, relative_shift_backward, {"x": x}, {"n_keys": S})


def offset_bias(rng: Rng, n_offsets: int = T + S - 1) -> Problem:
    table = rng.standard_normal((n_offsets, H))
    return Problem(offset_bias_forward, offset_bias_backward, {"table": table}, {"n_queries": T, "n_keys": S})


CASES: tuple[Case, ...] = (
    Case(relative_shift_backward, "past and future", relative_shift),
    Case(relative_shift_backward, "the past only", partial(relative_shift, n_offsets=S)),
    Case(offset_bias_backward, "past and future", offset_bias),
    Case(offset_bias_backward, "the past only", partial(offset_bias, n_offsets=S)),
)

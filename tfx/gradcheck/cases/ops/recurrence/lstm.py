"""Cases of tfx/ops/recurrence/lstm.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.recurrence.through_time import LENGTHS, PROJECTED, STEPS, WIDTH, gates, with_last
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.recurrence.lstm import lstm_backward, lstm_forward


def lstm(
    rng: Rng,
    peepholes: bool = False,
    projected: bool = False,
    steps: int = STEPS,
    two_biases: bool = False,
    **fixed: Any,
) -> Problem:
    inputs = gates(rng, 4, WIDTH, PROJECTED if projected else WIDTH, steps, two_biases)
    inputs["c0"] = rng.standard_normal((B, WIDTH))
    if peepholes:
        inputs["peepholes"] = rng.standard_normal((3, WIDTH))
    if projected:
        inputs["w_r"] = rng.standard_normal((WIDTH, PROJECTED))
    order = [name for name in ("x", "h0", "c0", *inputs) if name in inputs]
    ordered = {name: inputs[name] for name in dict.fromkeys(order)}
    return Problem(*with_last(lstm_forward, lstm_backward), ordered, fixed)


CASES: tuple[Case, ...] = (
    Case(lstm_backward, "six steps", lstm),
    Case(lstm_backward, "one step", partial(lstm, steps=1)),
    Case(lstm_backward, "peepholes", partial(lstm, peepholes=True)),
    Case(lstm_backward, "projection, two offsets", partial(lstm, projected=True, two_biases=True)),
    Case(
        lstm_backward,
        "peepholes, projection, reverse, padding",
        partial(lstm, peepholes=True, projected=True, reverse=True, lengths=LENGTHS),
    ),
)

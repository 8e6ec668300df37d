"""Cases of tfx/ops/recurrence/rnn.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.recurrence.through_time import LENGTHS, STEPS, WIDTH, gates, with_last
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward


def rnn(rng: Rng, steps: int = STEPS, two_biases: bool = False, **fixed: Any) -> Problem:
    return Problem(*with_last(rnn_forward, rnn_backward), gates(rng, 1, WIDTH, WIDTH, steps, two_biases), fixed)


def rnn_relu(rng: Rng) -> Problem:
    """Every state stays clear of the kink for as long as the small steps of the check move it."""
    problem = rnn(rng, activation="relu")
    inputs = {**problem.inputs, "w_h": 0.1 * problem.inputs["w_h"], "h0": 0.1 * problem.inputs["h0"]}
    inputs["b"] = 8.0 * np.sign(inputs["b"])
    return problem._replace(inputs=inputs)


CASES: tuple[Case, ...] = (
    Case(rnn_backward, "six steps", rnn),
    Case(rnn_backward, "one step", partial(rnn, steps=1)),
    Case(rnn_backward, "relu", rnn_relu),
    Case(rnn_backward, "two offsets, padding", partial(rnn, two_biases=True, lengths=LENGTHS)),
    Case(rnn_backward, "reverse, padding", partial(rnn, reverse=True, lengths=LENGTHS)),
)

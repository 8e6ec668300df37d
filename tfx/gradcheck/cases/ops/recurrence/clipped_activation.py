"""Cases of tfx/ops/recurrence/clipped_activation.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.recurrence.through_time import STEPS, WIDTH
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.recurrence.clipped_activation import clipped_activation_backward, clipped_activation_forward


def clipped_activation(rng: Rng, activation: str, limit: float | None) -> Problem:
    z = rng.standard_normal((B, STEPS, WIDTH))
    z = np.where(np.abs(np.abs(z) - 0.8) < 0.05, 0.5 * z, z)  # no z at the kink
    fixed = {"activation": activation, "limit": limit}
    return Problem(clipped_activation_forward, clipped_activation_backward, {"z": z}, fixed)


CASES: tuple[Case, ...] = (
    Case(clipped_activation_backward, "a gate", partial(clipped_activation, activation="sigmoid", limit=0.8)),
    Case(clipped_activation_backward, "a candidate", partial(clipped_activation, activation="tanh", limit=0.8)),
    Case(clipped_activation_backward, "no limit", partial(clipped_activation, activation="tanh", limit=None)),
)

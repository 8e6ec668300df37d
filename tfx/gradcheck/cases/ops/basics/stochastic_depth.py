"""Cases of tfx/ops/basics/stochastic_depth.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import C, Rng, T
from tfx.ops.basics.stochastic_depth import branch_multiplier, stochastic_depth_backward, stochastic_depth_forward

N = 5  # samples, so that some are left out and some are not


def stochastic_depth(rng: Rng, rate: float = 0.4, rescaled: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((N, T, C)), "branch": rng.standard_normal((N, T, C))}
    multiplier = branch_multiplier((N, 1, 1), rate, np.random.default_rng(1), rescaled)
    return Problem(stochastic_depth_forward, stochastic_depth_backward, inputs, {"multiplier": multiplier})


CASES: tuple[Case, ...] = (
    Case(stochastic_depth_backward, "rescaled", stochastic_depth),
    Case(stochastic_depth_backward, "as published", partial(stochastic_depth, rescaled=False)),
)

"""Cases of tfx/ops/norms/scale_norm.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.norms.inputs import x_gain_offset
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.norms.scale_norm import scale_norm_backward, scale_norm_forward


def scale_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0) -> Problem:
    inputs = x_gain_offset(rng, scale) | {"g": np.array(1.0 + rng.random())}
    return Problem(scale_norm_forward, scale_norm_backward, inputs, {"eps": eps})


CASES: tuple[Case, ...] = (
    Case(scale_norm_backward, "random length", scale_norm),
    Case(scale_norm_backward, "eps as large as the squared length", partial(scale_norm, eps=8.0)),
)

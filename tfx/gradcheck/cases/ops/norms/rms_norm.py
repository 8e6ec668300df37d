"""Cases of tfx/ops/norms/rms_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.norms.inputs import x_gain_offset
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward


def rms_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0, names: tuple[str, ...] = ("gamma",)) -> Problem:
    return Problem(rms_norm_forward, rms_norm_backward, x_gain_offset(rng, scale, *names), {"eps": eps})


CASES: tuple[Case, ...] = (
    Case(rms_norm_backward, "random gain", rms_norm),
    Case(rms_norm_backward, "eps as large as the mean square", partial(rms_norm, eps=0.9)),
    Case(rms_norm_backward, "inputs 50 times larger", partial(rms_norm, scale=50.0)),
    Case(rms_norm_backward, "no gain", partial(rms_norm, names=())),
)

"""Cases of tfx/ops/norms/layer_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.norms.inputs import x_gain_offset
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward


def layer_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0, names: tuple[str, ...] = ("gamma", "beta")) -> Problem:
    return Problem(layer_norm_forward, layer_norm_backward, x_gain_offset(rng, scale, *names), {"eps": eps})


CASES: tuple[Case, ...] = (
    Case(layer_norm_backward, "random gain and offset", layer_norm),
    Case(layer_norm_backward, "eps as large as the variance", partial(layer_norm, eps=0.7)),
    Case(layer_norm_backward, "inputs 50 times larger", partial(layer_norm, scale=50.0)),
    Case(layer_norm_backward, "no offset", partial(layer_norm, names=("gamma",))),
    Case(layer_norm_backward, "no gain, no offset", partial(layer_norm, names=())),
)

"""Cases of tfx/ops/feed_forward/sigmoid.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.feed_forward.activations import activation
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.sigmoid import silu_backward, silu_forward

SIGMOIDS = ("sigmoid", "tanh", "silu", "softplus", "mish")


def swish(rng: Rng, beta: float) -> Problem:
    return Problem(silu_forward, silu_backward, {"x": 2.0 * rng.standard_normal((B, T, C))}, {"beta": beta})


CASES: tuple[Case, ...] = (
    *(Case(ACTIVATIONS[name][1], "around 0", partial(activation, name=name)) for name in SIGMOIDS),
    *(Case(ACTIVATIONS[name][1], "wide", partial(activation, name=name, scale=3.0)) for name in SIGMOIDS),
    Case(silu_backward, "Swish, beta 1.7", partial(swish, beta=1.7)),
    Case(silu_backward, "Swish, beta -0.6", partial(swish, beta=-0.6)),
)

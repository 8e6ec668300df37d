"""Cases of tfx/ops/feed_forward/activations.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, off_zero
from tfx.ops.feed_forward.activations import ACTIVATIONS

PLAIN = ("relu", "gelu", "gelu_tanh", "identity")
SMOOTH = ("gelu", "gelu_tanh")


def activation(rng: Rng, name: str, scale: float = 1.0) -> Problem:
    forward, backward = ACTIVATIONS[name]
    return Problem(forward, backward, {"x": off_zero(scale * rng.standard_normal((B, T, C)))})


CASES: tuple[Case, ...] = (
    *(Case(ACTIVATIONS[name][1], "around 0", partial(activation, name=name)) for name in PLAIN),
    *(Case(ACTIVATIONS[name][1], "wide", partial(activation, name=name, scale=3.0)) for name in SMOOTH),
)

"""Cases of tfx/nn/linear.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import F, Rng
from tfx.nn.linear import Linear
from tfx.tuning.lora import add_lora

R = 2


def linear(rng: Rng, bias: bool = True) -> Problem:
    return layer_problem(Linear(C, F, rng, bias=bias), rng, {"x": sequences(rng)})


def linear_with_update(rng: Rng) -> Problem:
    layer = Linear(C, F, rng, dtype="float64")
    add_lora(layer, R, rng, alpha=3.0, chosen=lambda name: True)
    return layer_problem(layer, rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    Case(Linear, "batch of sequences", linear),
    Case(Linear, "no bias", partial(linear, bias=False)),
    Case(Linear, "low-rank update", linear_with_update),
)

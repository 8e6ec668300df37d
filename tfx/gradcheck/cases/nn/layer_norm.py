"""Cases of tfx/nn/layer_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.normalisation import norm_layer
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.layer_norm import LayerNorm


def layer_norm(rng: Rng) -> Problem:
    return layer_problem(LayerNorm(C, eps=0.1), rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    Case(LayerNorm, "random gain and offset", layer_norm),
    Case(LayerNorm, "no offset", partial(norm_layer, make=LayerNorm, bias=False)),
)

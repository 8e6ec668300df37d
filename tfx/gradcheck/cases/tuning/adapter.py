"""Cases of tfx/tuning/adapter.py: the frozen parameters are checked too, because they pass gradient on."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import F, Rng
from tfx.nn.feed_forward import FeedForward
from tfx.tuning.adapter import Adapted, Adapter

M = 4


def adapter(rng: Rng, activation: str) -> Problem:
    return layer_problem(Adapter(C, M, rng, activation), rng, {"f": sequences(rng)})


def adapted(rng: Rng) -> Problem:
    layer = Adapted(FeedForward(C, F, rng), Adapter(C, M, rng))
    return layer_problem(layer, rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    *(Case(Adapter, activation, partial(adapter, activation=activation)) for activation in ("gelu", "swiglu")),
    Case(Adapted, "feed-forward network", adapted),
)

"""Cases of tfx/nn/feed_forward.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import B, F, Rng, T
from tfx.nn.feed_forward import FeedForward


def feed_forward_layer(rng: Rng, activation: str, bias: bool = True) -> Problem:
    layer = FeedForward(6, 11, rng, activation, bias=bias)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))})


def feed_forward(rng: Rng) -> Problem:
    return layer_problem(FeedForward(C, F, rng), rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    Case(FeedForward, "swiglu", partial(feed_forward_layer, activation="swiglu")),
    Case(FeedForward, "geglu, no bias", partial(feed_forward_layer, activation="geglu", bias=False)),
    Case(FeedForward, "no bias", partial(feed_forward_layer, activation="gelu", bias=False)),
    Case(FeedForward, "gelu", feed_forward),
)

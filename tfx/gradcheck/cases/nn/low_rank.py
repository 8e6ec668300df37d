"""Cases of tfx/nn/low_rank.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.nn.feed_forward import FeedForwardSettings
from tfx.nn.low_rank import LowRankFeedForward, LowRankLinear


def low_rank_layer(rng: Rng, bias: bool = True) -> Problem:
    return layer_problem(LowRankLinear(6, 11, 2, rng, bias), rng, {"x": rng.standard_normal((B, T, 6))})


def low_rank_feed_forward(rng: Rng, bias: bool = True) -> Problem:
    layer = LowRankFeedForward(FeedForwardSettings(6, 11, bias=bias), 2, rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))})


CASES: tuple[Case, ...] = (
    Case(LowRankLinear, "rank 2", low_rank_layer),
    Case(LowRankLinear, "no bias", partial(low_rank_layer, bias=False)),
    Case(LowRankFeedForward, "rank 2", low_rank_feed_forward),
    Case(LowRankFeedForward, "no bias", partial(low_rank_feed_forward, bias=False)),
)

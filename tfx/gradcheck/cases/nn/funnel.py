"""Cases of tfx/nn/funnel.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, C, sequences
from tfx.gradcheck.cases.sizes import F, H, Rng, S
from tfx.nn.funnel import FunnelBlock, FunnelSettings, FunnelStack
from tfx.ops.attention.masks import padding_mask

KEEP = np.arange(S) < np.array([[S], [4]])


def funnel_block(rng: Rng, norm_place: str) -> Problem:
    layer = FunnelBlock(FunnelSettings(C, H, F, norm_place=norm_place, dropout=0.2), rng)
    fixed = {"mask": padding_mask([S, 4], S)}
    return layer_problem(layer, rng, {"x": sequences(rng, S)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def funnel_stack(rng: Rng, n_decoder: int | None, norm_place: str = "post") -> Problem:
    layer = FunnelStack((1, 2, 1), FunnelSettings(C, H, F, norm_place=norm_place), rng, n_decoder=n_decoder)
    return layer_problem(layer, rng, {"x": sequences(rng, S)}, {"keep": KEEP}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(FunnelBlock, "post-LN, padding, dropout", lambda rng: funnel_block(rng, "post")),
    Case(FunnelBlock, "pre-LN, padding, dropout", lambda rng: funnel_block(rng, "pre")),
    Case(FunnelStack, "short", lambda rng: funnel_stack(rng, None)),
    Case(FunnelStack, "a decoder, padding", lambda rng: funnel_stack(rng, 1)),
    Case(FunnelStack, "repeated and added, pre-LN", lambda rng: funnel_stack(rng, 0, "pre")),
)

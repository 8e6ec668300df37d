"""Blocks that shorten the sequence, and blocks with a convolution inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, F, H, Rng, S
from tfx.nn.conformer import ConformerBlock, ConvolutionModule
from tfx.nn.funnel import FunnelBlock, FunnelStack
from tfx.ops.attention.masks import padding_mask

WIDTH, DIRECTIONS = 6, 1
KEEP = np.arange(S) < np.array([[S], [4]])


def _x(rng: Rng) -> Any:
    return rng.standard_normal((B, S, WIDTH))


def funnel_block(rng: Rng, norm: str) -> Problem:
    layer = FunnelBlock(WIDTH, H, F, rng, norm=norm, dropout=0.2)
    fixed = {"mask": padding_mask([S, 4], S)}
    return layer_problem(layer, rng, {"x": _x(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def funnel_stack(rng: Rng, n_decoder: int | None, norm: str = "post") -> Problem:
    layer = FunnelStack((1, 2, 1), WIDTH, H, F, rng, n_decoder=n_decoder, norm=norm)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"keep": KEEP}, directions=DIRECTIONS)


def convolution_module(rng: Rng, inner_norm: str, keep: Any = None) -> Problem:
    layer = ConvolutionModule(WIDTH, 3, rng, inner_norm, dropout=0.2)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"keep": keep}, dropout_seed=5, directions=DIRECTIONS)


def conformer_block(rng: Rng, inner_norm: str, keep: Any = None) -> Problem:
    layer = ConformerBlock(WIDTH, H, F, 3, rng, inner_norm, dropout=0.2)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"keep": keep}, dropout_seed=5, directions=DIRECTIONS)


CASES = (
    Case(FunnelBlock, "post-LN, padding, dropout", lambda rng: funnel_block(rng, "post")),
    Case(FunnelBlock, "pre-LN, padding, dropout", lambda rng: funnel_block(rng, "pre")),
    Case(FunnelStack, "short", lambda rng: funnel_stack(rng, None)),
    Case(FunnelStack, "a decoder, padding", lambda rng: funnel_stack(rng, 1)),
    Case(FunnelStack, "repeated and added, pre-LN", lambda rng: funnel_stack(rng, 0, "pre")),
    Case(ConvolutionModule, "batch norm, padding", lambda rng: convolution_module(rng, "batch_norm", KEEP)),
    Case(ConvolutionModule, "layer norm", lambda rng: convolution_module(rng, "layer_norm")),
    Case(ConformerBlock, "batch norm, dropout", lambda rng: conformer_block(rng, "batch_norm")),
    Case(ConformerBlock, "layer norm, padding", lambda rng: conformer_block(rng, "layer_norm", KEEP)),
)

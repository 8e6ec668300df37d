"""Cases of tfx/nn/conformer.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, C, sequences
from tfx.gradcheck.cases.sizes import F, H, Rng, S
from tfx.nn.conformer import ConformerBlock, ConformerSettings, ConvolutionModule

KEEP = np.arange(S) < np.array([[S], [4]])


def convolution_module(rng: Rng, inner_norm: str, keep: Any = None) -> Problem:
    layer = ConvolutionModule(ConformerSettings(C, kernel=3, inner_norm=inner_norm, dropout=0.2), rng)
    return layer_problem(layer, rng, {"x": sequences(rng, S)}, {"keep": keep}, dropout_seed=5, directions=DIRECTIONS)


def conformer_block(rng: Rng, inner_norm: str, keep: Any = None) -> Problem:
    layer = ConformerBlock(ConformerSettings(C, H, F, 3, inner_norm=inner_norm, dropout=0.2), rng)
    return layer_problem(layer, rng, {"x": sequences(rng, S)}, {"keep": keep}, dropout_seed=5, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(ConvolutionModule, "batch norm, padding", lambda rng: convolution_module(rng, "batch_norm", KEEP)),
    Case(ConvolutionModule, "layer norm", lambda rng: convolution_module(rng, "layer_norm")),
    Case(ConformerBlock, "batch norm, dropout", lambda rng: conformer_block(rng, "batch_norm")),
    Case(ConformerBlock, "layer norm, padding", lambda rng: conformer_block(rng, "layer_norm", KEEP)),
)

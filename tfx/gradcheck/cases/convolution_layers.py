"""Layers and models made of convolutions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.models.convolution_decoder import ConvolutionDecoder
from tfx.nn.convolution import Convolution1d
from tfx.nn.convolution_block import ConvolutionBlock

C = 6
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])


def convolution(rng: Rng, width_out: int = 4, **settings: Any) -> Problem:
    return layer_problem(Convolution1d(C, width_out, 3, rng, **settings), rng, {"x": rng.standard_normal((B, T, C))})


def continued(rng: Rng) -> Problem:
    """A chunk that goes on from a state."""
    layer = Convolution1d(C, 4, 3, rng, dilation=2)
    fixed = {"state": rng.standard_normal((B, C, 4))}
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, C))}, fixed)


def block(rng: Rng) -> Problem:
    layer = ConvolutionBlock(C, 3, 2, rng, "gelu", dropout=0.2)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, C))}, dropout_seed=5, directions=1)


def decoder(rng: Rng, tied: bool) -> Problem:
    model = ConvolutionDecoder(V, C, kernel=2, dilations=(1, 2), activation="gelu", tied=tied, dropout=0.2)
    return layer_problem(model, rng, {"ids": IDS}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(Convolution1d, "causal, dilated", partial(convolution, dilation=2)),
    Case(Convolution1d, "valid, no bias", partial(convolution, padding="valid", bias=False)),
    Case(Convolution1d, "same, depthwise", partial(convolution, padding="same", width_out=C, groups=C)),
    Case(Convolution1d, "going on from a state", continued),
    Case(ConvolutionBlock, "causal, dilated, dropout", block),
    Case(ConvolutionDecoder, "tied, dropout", partial(decoder, tied=True)),
    Case(ConvolutionDecoder, "own output, dropout", partial(decoder, tied=False)),
)

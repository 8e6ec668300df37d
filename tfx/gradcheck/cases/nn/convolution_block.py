"""Cases of tfx/nn/convolution_block.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.nn.convolution_block import ConvolutionBlock, ConvolutionBlockSettings


def block(rng: Rng) -> Problem:
    layer = ConvolutionBlock(ConvolutionBlockSettings(C, activation="gelu", dropout=0.2), 2, rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, C))}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (Case(ConvolutionBlock, "causal, dilated, dropout", block),)

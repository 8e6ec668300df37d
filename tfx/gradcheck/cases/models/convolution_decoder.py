"""Cases of tfx/models/convolution_decoder.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.convolution_decoder import ConvolutionDecoder


def decoder(rng: Rng, tied: bool) -> Problem:
    model = ConvolutionDecoder(V, C, kernel=2, dilations=(1, 2), activation="gelu", tied=tied, dropout=0.2)
    return layer_problem(model, rng, {"ids": IDS}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(ConvolutionDecoder, "tied, dropout", partial(decoder, tied=True)),
    Case(ConvolutionDecoder, "own output, dropout", partial(decoder, tied=False)),
)

"""Cases of tfx/nn/convolution.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.nn.convolution import Convolution1d


def convolution(rng: Rng, width_out: int = 4, **settings: Any) -> Problem:
    return layer_problem(Convolution1d(C, width_out, 3, rng, **settings), rng, {"x": rng.standard_normal((B, T, C))})


def continued(rng: Rng) -> Problem:
    """A chunk that goes on from a state."""
    layer = Convolution1d(C, 4, 3, rng, dilation=2)
    fixed = {"state": rng.standard_normal((B, C, 4))}
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, C))}, fixed)


CASES: tuple[Case, ...] = (
    Case(Convolution1d, "causal, dilated", partial(convolution, dilation=2)),
    Case(Convolution1d, "valid, no bias", partial(convolution, padding="valid", bias=False)),
    Case(Convolution1d, "same, depthwise", partial(convolution, padding="same", width_out=C, groups=C)),
    Case(Convolution1d, "going on from a state", continued),
)

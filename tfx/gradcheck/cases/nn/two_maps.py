"""Cases of tfx/nn/two_maps.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, F, Rng, T
from tfx.nn.linear import Linear
from tfx.nn.two_maps import TwoMaps


def two_maps(rng: Rng) -> Problem:
    layer = TwoMaps(Linear(D, F, rng), "gelu", Linear(F, 3, rng))
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D))})


CASES: tuple[Case, ...] = (Case(TwoMaps, "GELU in between", two_maps),)

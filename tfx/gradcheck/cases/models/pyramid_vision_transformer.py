"""Cases of tfx/models/pyramid_vision_transformer.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.models.pyramid_vision_transformer import PyramidVisionTransformer

DIRECTIONS = 1


def pyramid_transformer(rng: Rng) -> Problem:
    layer = PyramidVisionTransformer((8, 8), 2, 3, 2, (4, 6), (1, 3), (2, 1), (1, 1), 2)
    return layer_problem(layer, rng, {"images": rng.standard_normal((B, 8, 8, 2))}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (Case(PyramidVisionTransformer, "two stages", pyramid_transformer),)

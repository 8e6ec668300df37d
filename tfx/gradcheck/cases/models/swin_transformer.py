"""Cases of tfx/models/swin_transformer.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.models.swin_transformer import SwinTransformer

DIRECTIONS = 1


def swin_transformer(rng: Rng) -> Problem:
    layer = SwinTransformer((8, 8), 2, 3, 2, 4, (1, 2), (2, 1), 2, 2)
    return layer_problem(layer, rng, {"images": rng.standard_normal((B, 8, 8, 2))}, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (Case(SwinTransformer, "two stages", swin_transformer),)

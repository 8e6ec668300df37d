"""Cases of tfx/models/vision_transformer.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.ops.grids.patches import CHANNELS, images
from tfx.gradcheck.cases.sizes import C, F, H, Rng
from tfx.models.vision_transformer import VisionTransformer


def vision_transformer(rng: Rng, **settings: Any) -> Problem:
    sizes: dict[str, Any] = {"channels": CHANNELS, "d_model": C, "n_heads": H, "d_ff": F, "n_layers": 1}
    model = VisionTransformer((4, 6), 2, 5, dropout=0.2, **sizes | settings)
    return layer_problem(model, rng, {"images": images(rng, 4, 6)}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(VisionTransformer, "class token, learned positions, dropout", vision_transformer),
    Case(VisionTransformer, "mean of the patches", partial(vision_transformer, pool="mean")),
    Case(VisionTransformer, "positions on a grid", partial(vision_transformer, positions="grid", d_model=6)),
    Case(VisionTransformer, "no positions", partial(vision_transformer, positions="none")),
)

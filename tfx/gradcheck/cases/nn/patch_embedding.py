"""Cases of tfx/nn/patch_embedding.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.ops.grids.patches import CHANNELS, images
from tfx.gradcheck.cases.sizes import C, Rng
from tfx.nn.patch_embedding import PatchEmbedding


def patch_embedding(rng: Rng) -> Problem:
    return layer_problem(PatchEmbedding(2, CHANNELS, C, rng), rng, {"images": images(rng, 4, 6)})


CASES: tuple[Case, ...] = (Case(PatchEmbedding, "three channels", patch_embedding),)

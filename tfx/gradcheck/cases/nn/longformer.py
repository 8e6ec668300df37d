"""Cases of tfx/nn/longformer.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S
from tfx.nn.longformer import LongformerAttention
from tfx.ops.attention.masks import padding_mask


def longformer_layer(rng: Rng) -> Problem:
    layer = LongformerAttention(6, H, rng, window=1, global_places=(2, 5), dilation=2)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, S, 6))}, {"mask": padding_mask([S, 4], S)})


CASES: tuple[Case, ...] = (Case(LongformerAttention, "maps for global places, padding", longformer_layer),)

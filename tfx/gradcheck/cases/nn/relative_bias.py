"""Cases of tfx/nn/relative_bias.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T
from tfx.nn.attention import AttentionParts, MultiHeadAttention
from tfx.nn.relative_bias import AlibiBias, GridRelativeBias, RelativeBias, SandwichBias
from tfx.params import Layer


def position_bias(rng: Rng, build: Any, n_queries: int = T, n_keys: int = S, past: int = 2) -> Problem:
    fixed = {"n_queries": n_queries, "n_keys": n_keys, "past": past, "like": np.zeros(0)}
    return layer_problem(build(rng), rng, {}, fixed)


def attention_with(rng: Rng, bias: Layer) -> Problem:
    """A bias without parameters: the gradients of the attention around it."""
    layer = MultiHeadAttention(4 * H, H, rng, parts=AttentionParts(position_bias=bias))
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, 4 * H))}, sums=True, directions=1)


CASES: tuple[Case, ...] = (
    Case(AlibiBias, "in attention", partial(attention_with, bias=AlibiBias(H))),
    Case(SandwichBias, "in attention", partial(attention_with, bias=SandwichBias(H, 10))),
    Case(RelativeBias, "bidirectional", partial(position_bias, build=lambda rng: RelativeBias(H, rng, 6, 5))),
    Case(RelativeBias, "causal", partial(position_bias, build=lambda rng: RelativeBias(H, rng, 5, 4, False))),
    Case(
        GridRelativeBias,
        "2 x 3 places",
        partial(position_bias, build=lambda rng: GridRelativeBias(2, 3, H, rng), n_queries=6, n_keys=6, past=0),
    ),
)

"""Cases of tfx/nn/relative_attention.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, H, Rng, T
from tfx.nn.relative_attention import RelativeAttention, RelativeKeysValuesAttention
from tfx.ops.attention.masks import causal_mask

WIDTH = 4 * H


def relative_attention(rng: Rng, causal: bool, n_memory: int = 2) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, WIDTH)), "memory": rng.standard_normal((B, n_memory, WIDTH))}
    layer = RelativeAttention(WIDTH, H, rng, causal, dropout=0.2)
    return layer_problem(layer, rng, inputs, dropout_seed=5, directions=1)


def relative_keys_values_attention(rng: Rng) -> Problem:
    layer = RelativeKeysValuesAttention(WIDTH, H, 2, rng, dropout=0.2)
    x, fixed = rng.standard_normal((B, T, WIDTH)), {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": x}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(RelativeAttention, "causal, memory, dropout", partial(relative_attention, causal=True)),
    Case(RelativeAttention, "both ways, memory of length 0", partial(relative_attention, causal=False, n_memory=0)),
    Case(RelativeKeysValuesAttention, "causal, dropout", relative_keys_values_attention),
)

"""Attention that sees distances in its scores, or in its keys and values."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T, some_allowed
from tfx.nn.relative_attention import RelativeAttention, RelativeKeysValuesAttention
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.relative_keys_values import (
    RelativeKeysValuesCache,
    RelativeKeysValuesGrads,
    relative_keys_values_attention_backward,
    relative_keys_values_attention_forward,
)
from tfx.ops.attention.transformer_xl import (
    TransformerXLCache,
    TransformerXLGrads,
    transformer_xl_attention_backward,
    transformer_xl_attention_forward,
)
from tfx.ops.basics.dropout import dropout_mask

WIDTH = 4 * H


def _qkv(rng: Rng) -> dict[str, np.ndarray]:
    shapes = {"q": (B, H, T, D), "k": (B, H, S, D), "v": (B, H, S, DV)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def transformer_xl(rng: Rng, n_offsets: int = T + S - 1, **fixed: Any) -> Problem:
    inputs = _qkv(rng) | {"r": rng.standard_normal((H, n_offsets, D))}
    inputs |= {name: rng.standard_normal((H, D)) for name in ("u", "w")}
    return Problem(transformer_xl_attention_forward, transformer_xl_attention_backward, inputs, fixed)


def transformer_xl_masked(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    mask[0, 1, 2] = False
    return transformer_xl(rng, mask=mask, dropout=dropout_mask((B, H, T, S), 0.3, rng), scale=0.8)


def relative_keys_values(rng: Rng, c: int = 2, **fixed: Any) -> Problem:
    inputs = _qkv(rng) | {"a_k": rng.standard_normal((2 * c + 1, D)), "a_v": rng.standard_normal((2 * c + 1, DV))}
    return Problem(relative_keys_values_attention_forward, relative_keys_values_attention_backward, inputs, fixed)


def relative_keys_values_masked(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    mask[1, 0, 3] = False
    return relative_keys_values(rng, mask=mask, dropout=dropout_mask((B, H, T, S), 0.3, rng), scale=0.8)


def relative_attention(rng: Rng, causal: bool, n_memory: int = 2) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, WIDTH)), "memory": rng.standard_normal((B, n_memory, WIDTH))}
    layer = RelativeAttention(WIDTH, H, rng, causal, dropout=0.2)
    return layer_problem(layer, rng, inputs, dropout_seed=5, directions=1)


def relative_keys_values_attention(rng: Rng) -> Problem:
    layer = RelativeKeysValuesAttention(WIDTH, H, 2, rng, dropout=0.2)
    x, fixed = rng.standard_normal((B, T, WIDTH)), {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": x}, fixed, dropout_seed=5, directions=1)


def transformer_xl_positions_forgotten(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    """The queries hear from the keys, but not from the distances they asked for."""
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(dq=transformer_xl_attention_backward(dout, cache._replace(r=0 * cache.r)).dq)


def transformer_xl_biases_swapped(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    right = transformer_xl_attention_backward(dout, cache)
    return right._replace(du=right.dw, dw=right.du)


def transformer_xl_bias_left_out_of_dr(dout: Any, cache: TransformerXLCache) -> TransformerXLGrads:
    right = transformer_xl_attention_backward(dout, cache)
    queries = cache.position_queries - cache.w[:, None, :]
    return right._replace(dr=transformer_xl_attention_backward(dout, cache._replace(position_queries=queries)).dr)


def relative_values_forgotten(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """a_v has a gradient, but the weights do not hear of it."""
    right = relative_keys_values_attention_backward(dout, cache)
    deaf = relative_keys_values_attention_backward(dout, cache._replace(rows_v=0 * cache.rows_v))
    return right._replace(dq=deaf.dq, dk=deaf.dk, da_k=deaf.da_k)


def relative_values_before_dropout(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    return relative_keys_values_attention_backward(dout, cache._replace(dropout=None))


def relative_keys_cut_off_lost(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """Of all offsets that share the end row, only one sends its gradient."""
    right = relative_keys_values_attention_backward(dout, cache)
    ids = cache.keys.ids
    once = np.zeros_like(right.da_k)
    once[ids] = right.da_k[ids] / np.bincount(ids)[ids][:, None]
    return right._replace(da_k=once)


CASES: tuple[Case, ...] = (
    Case(transformer_xl_attention_backward, "both ways, memory", transformer_xl),
    Case(
        transformer_xl_attention_backward,
        "causal, memory",
        partial(transformer_xl, n_offsets=S, mask=causal_mask(T, S, past=S - T)),
    ),
    Case(transformer_xl_attention_backward, "a fully blocked row, dropout, scale 0.8", transformer_xl_masked),
    Case(relative_keys_values_attention_backward, "cut off at 2", relative_keys_values),
    Case(relative_keys_values_attention_backward, "cut off at 0", partial(relative_keys_values, c=0)),
    Case(
        relative_keys_values_attention_backward,
        "cut off beyond the last key, causal after stored keys",
        partial(relative_keys_values, c=9, past=S - T, mask=causal_mask(T, S, past=S - T)),
    ),
    Case(
        relative_keys_values_attention_backward, "a fully blocked row, dropout, scale 0.8", relative_keys_values_masked
    ),
    Case(RelativeAttention, "causal, memory, dropout", partial(relative_attention, causal=True)),
    Case(RelativeAttention, "both ways, memory of length 0", partial(relative_attention, causal=False, n_memory=0)),
    Case(RelativeKeysValuesAttention, "causal, dropout", relative_keys_values_attention),
)

CONTROLS: tuple[Control, ...] = (
    Control("transformer_xl_attention", "dq without distances", transformer_xl_positions_forgotten, transformer_xl),
    Control("transformer_xl_attention", "u and w are swapped", transformer_xl_biases_swapped, transformer_xl),
    Control("transformer_xl_attention", "dr without w", transformer_xl_bias_left_out_of_dr, transformer_xl),
    Control(
        "relative_keys_values_attention",
        "the weights do not hear of a_v",
        relative_values_forgotten,
        relative_keys_values,
    ),
    Control(
        "relative_keys_values_attention",
        "dropout is left out behind a_v",
        relative_values_before_dropout,
        relative_keys_values_masked,
    ),
    Control(
        "relative_keys_values_attention",
        "offsets that were cut off are averaged",
        relative_keys_cut_off_lost,
        relative_keys_values,
    ),
)

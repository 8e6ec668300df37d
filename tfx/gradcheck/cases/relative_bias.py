"""Biases that depend on how far a key stands from a query, and the shift from offsets to pairs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, F, H, Rng, S, T
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.dynamic_position_bias import ContinuousNetwork, DynamicNetwork, DynamicPositionBias
from tfx.nn.relative_bias import AlibiBias, GridRelativeBias, RelativeBias, SandwichBias
from tfx.ops.basics.embedding import EmbeddingCache
from tfx.ops.positions.grid_offsets import grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, relative_buckets
from tfx.ops.positions.relative_offsets import (
    OffsetBiasCache,
    RelativeShiftCache,
    offset_bias_backward,
    offset_bias_forward,
    relative_shift_backward,
    relative_shift_forward,
)
from tfx.params import Layer

#: Small steps in a network of several layers would cross kinks of ReLU, which has its own cases.
SMOOTH = "gelu"


def relative_shift(rng: Rng, n_offsets: int = T + S - 1) -> Problem:
    x = rng.standard_normal((B, H, T, n_offsets))
    return Problem(relative_shift_forward, relative_shift_backward, {"x": x}, {"n_keys": S})


def offset_bias(rng: Rng, n_offsets: int = T + S - 1) -> Problem:
    table = rng.standard_normal((n_offsets, H))
    return Problem(offset_bias_forward, offset_bias_backward, {"table": table}, {"n_queries": T, "n_keys": S})


def bucket_bias(rng: Rng, buckets: Any) -> Problem:
    table = rng.standard_normal((int(buckets.max()) + 2, H))
    return Problem(bucket_bias_forward, bucket_bias_backward, {"table": table}, {"buckets": buckets})


def position_bias(rng: Rng, build: Any, n_queries: int = T, n_keys: int = S, past: int = 2) -> Problem:
    fixed = {"n_queries": n_queries, "n_keys": n_keys, "past": past, "like": np.zeros(0)}
    return layer_problem(build(rng), rng, {}, fixed)


def attention_with(rng: Rng, bias: Layer) -> Problem:
    """A bias without parameters: the gradients of the attention around it."""
    layer = MultiHeadAttention(4 * H, H, rng, position_bias=bias)
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, 4 * H))}, sums=True, directions=1)


def network(rng: Rng, build: Any) -> Problem:
    return layer_problem(build(2, F, H, rng, SMOOTH), rng, {}, {"offsets": rng.standard_normal((T, 2))})


def relative_shift_left_out(dy: Any, cache: RelativeShiftCache) -> Any:
    """Every row is moved by as much as the last one, that is, not at all."""
    dx = xp_of(dy).zeros((*dy.shape[:-1], cache.width))
    dx[..., : dy.shape[-1]] = dy
    return dx


def offset_bias_averaged(dbias: Any, cache: OffsetBiasCache) -> Any:
    return offset_bias_backward(dbias, cache) / dbias.shape[1]


def bucket_bias_last_pair_wins(dbias: Any, cache: EmbeddingCache) -> Any:
    """Assigned instead of added: of all pairs in a bucket, one is left."""
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = np.moveaxis(dbias, 0, -1)
    return dtable


_BUCKETS = relative_buckets(T, S, 6, 5, past=2)

CASES: tuple[Case, ...] = (
    Case(relative_shift_backward, "past and future", relative_shift),
    Case(relative_shift_backward, "the past only", partial(relative_shift, n_offsets=S)),
    Case(offset_bias_backward, "past and future", offset_bias),
    Case(offset_bias_backward, "the past only", partial(offset_bias, n_offsets=S)),
    Case(bucket_bias_backward, "buckets of distances", partial(bucket_bias, buckets=_BUCKETS)),
    Case(bucket_bias_backward, "offsets of a grid", partial(bucket_bias, buckets=grid_offset_numbers(2, 3))),
    Case(AlibiBias, "in attention", partial(attention_with, bias=AlibiBias(H))),
    Case(SandwichBias, "in attention", partial(attention_with, bias=SandwichBias(H, 10))),
    Case(RelativeBias, "bidirectional", partial(position_bias, build=lambda rng: RelativeBias(H, rng, 6, 5))),
    Case(RelativeBias, "causal", partial(position_bias, build=lambda rng: RelativeBias(H, rng, 5, 4, False))),
    Case(
        GridRelativeBias,
        "2 x 3 places",
        partial(position_bias, build=lambda rng: GridRelativeBias(2, 3, H, rng), n_queries=6, n_keys=6, past=0),
    ),
    Case(DynamicNetwork, "two axes", partial(network, build=DynamicNetwork)),
    Case(ContinuousNetwork, "two axes", partial(network, build=ContinuousNetwork)),
    *(
        Case(DynamicPositionBias, f"{kind}, a line", partial(position_bias, build=build))
        for kind, build in (
            ("dynamic", lambda rng: DynamicPositionBias(H, F, rng, activation=SMOOTH)),
            ("continuous", lambda rng: DynamicPositionBias(H, F, rng, "continuous", activation=SMOOTH)),
        )
    ),
    Case(
        DynamicPositionBias,
        "a grid",
        partial(
            position_bias,
            build=lambda rng: DynamicPositionBias(H, F, rng, "continuous", (2, 3), SMOOTH),
            n_queries=6,
            n_keys=6,
            past=0,
        ),
    ),
)

CONTROLS: tuple[Control, ...] = (
    Control("relative_shift", "rows are not moved back", relative_shift_left_out, relative_shift),
    Control("offset_bias", "the table gradient is a mean", offset_bias_averaged, offset_bias),
    Control(
        "bucket_bias",
        "the last pair of a bucket wins",
        bucket_bias_last_pair_wins,
        partial(bucket_bias, buckets=_BUCKETS),
    ),
)

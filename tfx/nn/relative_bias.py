"""Position biases for attention scores: ALiBi, Sandwich, T5's buckets, and a table for the offsets of a grid.

Each of them goes into MultiHeadAttention(position_bias=...).  `forward` gives a bias (H, T, S) for T queries that stand
behind `past` keys; `backward` takes the gradient of that bias.  Blocks that are given the same object share it, and the
gradients of all uses add up: T5 has one RelativeBias for a whole stack.
Biases that a small network computes are in nn/dynamic_position_bias.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward
from tfx.ops.positions.alibi import alibi_bias
from tfx.ops.positions.grid_offsets import grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, bucket_of
from tfx.ops.positions.relative_offsets import OffsetBiasCache, every_offset, offset_bias_backward, offset_bias_forward
from tfx.ops.positions.sandwich import sandwich_bias
from tfx.params import Layer, Parameter

#: Learned tables start normal with this deviation: almost no bias, but no two offsets alike.
FIRST_DEVIATION = 0.02


class RelativeBiasCache(NamedTuple):
    lookup: EmbeddingCache
    offsets: OffsetBiasCache


class AlibiBias(Layer):
    """Every head has its own slope; nothing is learned (alibi.py).  causal: the form for use with a causal mask."""

    def __init__(self, n_heads: int, causal: bool = False) -> None:
        self.n_heads, self.causal = n_heads, causal

    def forward(self, n_queries: int, n_keys: int, past: int, like: Array) -> tuple[Array, None]:
        """-> bias: (H, T, S), in the dtype and on the device of `like`."""
        return alibi_bias(self.n_heads, n_queries, n_keys, past, self.causal, like.dtype, xp_of(like)), None

    def backward(self, dbias: Array, cache: None) -> None:
        """The slopes are fixed, so the gradient ends here."""


class SandwichBias(Layer):
    """The inner product of sinusoidal positions, by itself; nothing is learned (ops/positions/sandwich.py).

    width: how wide the sinusoids are whose product is taken; it need not be the width of the model.
    """

    def __init__(self, n_heads: int, width: int = 128) -> None:
        self.n_heads, self.width = n_heads, width

    def forward(self, n_queries: int, n_keys: int, past: int, like: Array) -> tuple[Array, None]:
        """-> bias: (H, T, S), in the dtype and on the device of `like`."""
        bias = sandwich_bias(self.n_heads, n_queries, n_keys, past, self.width, dtype=like.dtype, xp=xp_of(like))
        return bias, None

    def backward(self, dbias: Array, cache: None) -> None:
        """The inner products are fixed, so the gradient ends here."""


class RelativeBias(Layer):
    """Owns table: (n_buckets, H), a number per head for each range of distances (ops/positions/relative_buckets.py).

    bidirectional: False in a decoder, where all buckets are for the past.
    """

    def __init__(
        self,
        n_heads: int,
        rng: np.random.Generator,
        n_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
        dtype: Any = "float32",
    ) -> None:
        bucket_of(np.arange(0), n_buckets, max_distance, bidirectional)  # settings that do not fit are refused here
        self.n_buckets, self.max_distance, self.bidirectional = n_buckets, max_distance, bidirectional
        self.table = Parameter((rng.standard_normal((n_buckets, n_heads)) * FIRST_DEVIATION).astype(dtype))

    def forward(self, n_queries: int, n_keys: int, past: int, like: Array) -> tuple[Array, RelativeBiasCache]:
        """-> bias: (H, T, S), cache.  `like` says on which device."""
        offsets = every_offset(n_queries, n_keys, past, xp_of(like))
        buckets = bucket_of(offsets, self.n_buckets, self.max_distance, self.bidirectional)
        rows, lookup = embedding_forward(buckets, self.table.value)  # (T + S - 1, H)
        bias, spread = offset_bias_forward(rows, n_queries, n_keys)
        return bias, RelativeBiasCache(lookup, spread)

    def backward(self, dbias: Array, cache: RelativeBiasCache) -> None:
        """dbias: (H, T, S)."""
        drows = offset_bias_backward(dbias, cache.offsets)  # bias[i, j] = rows[offset of j from i]
        self.table.grad += embedding_backward(drows, cache.lookup)  # rows = table[buckets]


class GridRelativeBias(Layer):
    """Owns table: ((2R - 1)(2C - 1), H), a number per head for each offset on a grid of R rows and C columns.

    Source: Liu et al. 2021, "Swin Transformer", section 3.2, equation 4.
    """

    def __init__(
        self, n_rows: int, n_columns: int, n_heads: int, rng: np.random.Generator, dtype: Any = "float32"
    ) -> None:
        self.n_rows, self.n_columns = n_rows, n_columns
        n_offsets = (2 * n_rows - 1) * (2 * n_columns - 1)
        self.table = Parameter((rng.standard_normal((n_offsets, n_heads)) * FIRST_DEVIATION).astype(dtype))

    def forward(self, n_queries: int, n_keys: int, past: int, like: Array) -> tuple[Array, EmbeddingCache]:
        """-> bias: (H, R C, R C), cache.  Raises ValueError unless queries and keys are the places of the grid."""
        check_grid(self.n_rows, self.n_columns, n_queries, n_keys, past)
        numbers = grid_offset_numbers(self.n_rows, self.n_columns, xp_of(like))
        return bucket_bias_forward(self.table.value, numbers)

    def backward(self, dbias: Array, cache: EmbeddingCache) -> None:
        """dbias: (H, R C, R C)."""
        self.table.grad += bucket_bias_backward(dbias, cache)


def check_grid(n_rows: int, n_columns: int, n_queries: int, n_keys: int, past: int) -> None:
    """Raises ValueError unless T = S = R C and nothing came before."""
    if n_queries != n_rows * n_columns or n_keys != n_queries or past:
        raise ValueError(
            f"a grid of {n_rows} x {n_columns} places does not fit {n_queries} queries and {n_keys} keys, {past} stored"
        )

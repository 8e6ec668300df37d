"""Relative position buckets: one learned number per head for each range of distances.

    bias_hij = table[bucket(j - i), h]            added to the scores of head h

Small distances have a bucket each; beyond that the buckets widen like a logarithm, and everything from max_distance on
shares the last one.  With n buckets for one direction and e = n // 2 of them exact, distance d falls into

    d                                              where d < e
    min(e + floor(log(d / e) / log(max_distance / e) (n - e)), n - 1)         else

Bidirectional: half of the buckets are for keys before the query or at it, the other half for keys after it.  Causal:
all of them are for keys before it, and what lies after falls into bucket 0, which the mask hides.

Derivation.  The bias is an embedding: a bucket picks a row of the table, as a token picks its vector.  So the gradient
of a row is the sum over all pairs that fell into that bucket, and over the batch, which shares them
(ops/basics/embedding.py). `bucket_bias_forward` takes any assignment of pairs to buckets.  Where the bucket depends on
the offset alone, as here, nn/relative_bias.py asks for each of the T + S - 1 offsets once instead of for each pair.
Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (T5),
section 2.1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward
from tfx.ops.positions.relative_offsets import key_offsets


def relative_buckets(
    n_queries: int,
    n_keys: int | None = None,
    n_buckets: int = 32,
    max_distance: int = 128,
    bidirectional: bool = True,
    past: int = 0,
    xp: Any = np,
) -> Array:
    """-> (T, S) integers in 0 .. n_buckets - 1: where key j falls, seen from query past + i; S is past + T unless told.

    Raises ValueError as `bucket_of` does.
    """
    return bucket_of(key_offsets(n_queries, n_keys, past, xp), n_buckets, max_distance, bidirectional)


def bucket_of(offsets: Array, n_buckets: int = 32, max_distance: int = 128, bidirectional: bool = True) -> Array:
    """offsets: integers, key minus query, any shape -> their buckets, the same shape.

    Raises ValueError for too few buckets, an odd number of them for two directions, or a max_distance that the exact
    buckets already cover.
    """
    xp = xp_of(offsets)
    directions = 2 if bidirectional else 1
    n, e = n_buckets // directions, n_buckets // directions // 2
    if n_buckets % directions or e < 1:
        raise ValueError(f"{n_buckets} buckets cannot be shared by {directions} direction(s) with at least 2 each")
    if max_distance <= e:
        raise ValueError(f"max_distance {max_distance} must be larger than the {e} exact buckets")
    distance = abs(offsets) if bidirectional else xp.maximum(-offsets, 0)
    # In this order of rounding, a distance that stands exactly on a border falls to its right side.
    steps = xp.log(xp.maximum(distance, e) / e) / math.log(max_distance / e) * (n - e)
    bucket = xp.where(distance < e, distance, xp.minimum(e + steps.astype("int64"), n - 1))
    return bucket + n * (offsets > 0) if bidirectional else bucket


@in_float32
def bucket_bias_forward(table: Array, buckets: Array) -> tuple[Array, EmbeddingCache]:
    """table: (n_buckets, H), buckets: (T, S) integers -> bias: (H, T, S), cache.

    Raises TypeError or ValueError for buckets that are no rows of the table.
    """
    rows, cache = embedding_forward(buckets, table)  # (T, S, H)
    return xp_of(table).ascontiguousarray(xp_of(table).moveaxis(rows, -1, 0)), cache


@in_float32
def bucket_bias_backward(dbias: Array, cache: EmbeddingCache) -> Array:
    """dbias: (H, T, S), summed over the batch -> dtable: (n_buckets, H)."""
    return embedding_backward(xp_of(dbias).moveaxis(dbias, 0, -1), cache)  # bias = rows with the heads in front

"""Offsets: how far a key stands from a query, and the step from one number per offset to one per pair.

    offset o = j - (past + i)       key j, query i, and `past` keys in front of the first query; negative = in the past

T queries and S keys have only T + S - 1 different offsets, so whatever depends on the offset alone is worked out once
for each: column c belongs to offset c - (past + T - 1), from the farthest past to the farthest future.  The shift

    y[i, j] = x[i, T - 1 - i + j]                       (T, R) -> (T, S)

then gives every pair the number of its offset: row i is moved to the left by T - 1 - i.  Where x has only the first
R < T + S - 1 columns, offsets beyond them get 0: R = past + T leaves out the future.

No index is needed.  With rows filled up to T + S columns, x[i, T - 1 - i + j] lies at i (T + S) + T - 1 - i + j =
(T - 1) + i (T + S - 1) + j: read from number T - 1 on in rows of T + S - 1, it is column j.

A bias for the scores that depends on the offset alone is the case in which all rows of x are the same:

    bias[h, i, j] = table[T - 1 - i + j, h]             (R, H) -> (H, T, S)

Derivation.  The shift only moves numbers, so the backward moves each gradient back to where its number was read:
dx[i, c] = dy[i, c - (T - 1 - i)] where that is a key, and 0 elsewhere.  For the bias, the T rows are then added up,
because all of them read the same table.
Source: Dai et al. 2019, "Transformer-XL", appendix B, where each row is moved for the same reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class RelativeShiftCache(NamedTuple):
    width: int


class OffsetBiasCache(NamedTuple):
    shift: RelativeShiftCache


def key_offsets(n_queries: int, n_keys: int | None = None, past: int = 0, xp: Any = np) -> Array:
    """-> (T, S) integers j - (past + i); S is past + T unless told."""
    n_keys = past + n_queries if n_keys is None else n_keys
    return xp.arange(n_keys)[None, :] - (xp.arange(n_queries)[:, None] + past)


def every_offset(n_queries: int, n_keys: int | None = None, past: int = 0, xp: Any = np) -> Array:
    """-> (T + S - 1,) integers, the offsets of the columns of `relative_shift_forward`, in ascending order."""
    n_keys = past + n_queries if n_keys is None else n_keys
    return xp.arange(1 - past - n_queries, n_keys - past)


@in_float32
def relative_shift_forward(x: Array, n_keys: int) -> tuple[Array, RelativeShiftCache]:
    """x: (..., T, R), one column per offset, R <= T + S - 1 -> y: (..., T, S), one column per key, cache.

    Raises ValueError when there are more columns than offsets.
    """
    n_queries, width = x.shape[-2:]
    if width > max(n_queries + n_keys - 1, 0):
        raise ValueError(f"{n_queries} queries and {n_keys} keys have no room for {width} offsets")
    lead, row = x.shape[:-2], n_queries + n_keys
    if n_queries == 0:
        return xp_of(x).zeros((*lead, 0, n_keys), dtype=x.dtype), RelativeShiftCache(width)
    filled = xp_of(x).zeros((*lead, n_queries, row), dtype=x.dtype)
    filled[..., :width] = x
    start = n_queries - 1
    moved = filled.reshape(*lead, n_queries * row)[..., start : start + n_queries * (row - 1)]
    return moved.reshape(*lead, n_queries, row - 1)[..., :n_keys], RelativeShiftCache(width)


@in_float32
def relative_shift_backward(dy: Array, cache: RelativeShiftCache) -> Array:
    """dy: (..., T, S) -> dx: (..., T, R).

    Also the way from pairs to offsets wherever one is needed: in each row, what stands at offset o goes to its column.
    """
    lead, (n_queries, n_keys) = dy.shape[:-2], dy.shape[-2:]
    row, start = n_queries + n_keys, n_queries - 1
    if n_queries == 0:
        return xp_of(dy).zeros((*lead, 0, cache.width), dtype=dy.dtype)
    dfilled = xp_of(dy).zeros((*lead, n_queries * row), dtype=dy.dtype)
    dmoved = dfilled[..., start : start + n_queries * (row - 1)].reshape(*lead, n_queries, row - 1)  # a view
    dmoved[..., :n_keys] = dy  # y = moved[..., :n_keys]
    return dfilled.reshape(*lead, n_queries, row)[..., : cache.width]  # filled[..., :width] = x


@in_float32
def offset_bias_forward(table: Array, n_queries: int, n_keys: int) -> tuple[Array, OffsetBiasCache]:
    """table: (R, H), one row per offset as in `every_offset` -> bias: (H, T, S), cache.

    Raises ValueError when there are more rows than offsets.
    """
    n_offsets, n_heads = table.shape
    rows = xp_of(table).broadcast_to(table.T[:, None, :], (n_heads, n_queries, n_offsets))
    bias, shift = relative_shift_forward(rows, n_keys)
    return bias, OffsetBiasCache(shift)


@in_float32
def offset_bias_backward(dbias: Array, cache: OffsetBiasCache) -> Array:
    """dbias: (H, T, S), summed over the batch -> dtable: (R, H)."""
    return relative_shift_backward(dbias, cache.shift).sum(axis=1).T  # every row of the shift read the same table

"""Positions: what tells attention the order of its tokens.

Attention treats its keys as a set, so the order has to be put into the numbers.  A table with one row per position is
added to the embeddings.  Either it is computed,

    PE[p, 2i]     = sin(p / base^(2i / C))          pair i turns at its own speed: column 0 fastest, the last slowest
    PE[p, 2i + 1] = cos(p / base^(2i / C))

or it is learned, and then it needs a gradient.  A shift by k turns every pair (sin, cos) by a fixed angle, so PE[p + k]
is a linear map of PE[p] that does not depend on p.

Derivation for the learned table.  y_btc = x_btc + table_tc, so dx = dy, and dtable_tc = sum_b dy_btc: every sequence
in the batch used the same row.  Rows that were not used have gradient 0.
Source: Vaswani et al. 2017, section 3.5; learned: Gehring et al. 2017, "Convolutional Sequence to Sequence Learning".
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of


class PositionsCache(NamedTuple):
    table: Array
    start: int


def sinusoidal_positions(
    n: int, width: int, dtype: Any = "float64", base: float = 10000.0, xp: Any = np, start: int = 0
) -> Array:
    """-> (n, C) table for positions start .. start + n - 1, computed in float64 and then cast to dtype.

    An odd width ends with a sine that has no cosine.  Raises ValueError for a negative n or a width below 1.
    """
    if n < 0 or width < 1:
        raise ValueError(f"a table needs n >= 0 and width >= 1, not n {n} and width {width}")
    position = xp.arange(start, start + n, dtype="float64")[:, None]  # (n, 1)
    column = xp.arange(width)
    speed = xp.exp((column // 2 * 2) * (-math.log(base) / width))  # (C,) base^(-2i / C), twice each
    angle = position * speed  # (n, 1) * (C,) -> (n, C)
    return xp.where(column % 2 == 0, xp.sin(angle), xp.cos(angle)).astype(dtype)


def add_positions_forward(x: Array, table: Array, start: int = 0) -> tuple[Array, PositionsCache]:
    """x: (..., T, C), table: (N, C) -> x + table[start : start + T], cache.

    Raises ValueError when the table is too short or has another width.
    """
    end = start + x.shape[-2]
    if x.shape[-1] != table.shape[-1]:
        raise ValueError(f"x has width {x.shape[-1]} but the position table has {table.shape[-1]}")
    if start < 0 or end > table.shape[0]:
        raise ValueError(f"positions {start} to {end - 1} are asked for but the table has {table.shape[0]} rows")
    return x + table[start:end], PositionsCache(table, start)


def add_positions_backward(dy: Array, cache: PositionsCache) -> tuple[Array, Array]:
    """dy: (..., T, C) -> dx: (..., T, C), dtable: (N, C)."""
    table, start = cache
    dtable = xp_of(dy).zeros_like(table)
    end = start + dy.shape[-2]
    dtable[start:end] = dy.sum(axis=tuple(range(dy.ndim - 2)))  # y = x + table[start:end], for every sequence
    return dy, dtable

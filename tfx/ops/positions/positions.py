"""Positions: what tells attention the order of its tokens.

Attention treats its keys as a set, so the order has to be put into the numbers.  A table with one row per position is
added to the embeddings, or written beside them as further features.  Either it is computed,

    PE[p, 2i]     = sin(p / base^(2i / C))          pair i turns at its own speed: column 0 fastest, the last slowest
    PE[p, 2i + 1] = cos(p / base^(2i / C))

or it is learned, and then it needs a gradient.

The rotation.  With b = k w_i and the sum rules of sine and cosine,

    sin(a + b) =  cos(b) sin(a) + sin(b) cos(a)
    cos(a + b) = -sin(b) sin(a) + cos(b) cos(a)

so a shift by k turns every pair (sin, cos) by a fixed angle: PE[p + k] = M_k PE[p] with one matrix M_k for every p.

Derivation for the learned table.  Added: y_btc = x_btc + table_tc, so dx = dy, and dtable_tc = sum_b dy_btc: every
sequence in the batch used the same row.  Rows that were not used have gradient 0.  Beside: the first C columns of dy
belong to x and the others to the table, summed over the batch in the same way.  Beside is the freer of the two: a map
after it, [x, t] [W1; W2] = x W1 + t W2, adds what it likes of the position, and with W2 = W1 it adds t itself.
Sources: Vaswani et al. 2017, section 3.5; learned: Gehring et al. 2017, "Convolutional Sequence to Sequence Learning".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.positions.sinusoids import angular_speeds, sinusoids_forward


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
    positions = xp.arange(start, start + n, dtype="float64")
    pairs, _ = sinusoids_forward(positions, angular_speeds(width, base, xp))
    return pairs[:, :width].astype(dtype)


def sinusoidal_rotation(shift: float, width: int, dtype: Any = "float64", base: float = 10000.0, xp: Any = np) -> Array:
    """-> M: (C, C) with M @ PE[p] = PE[p + shift] for every p; for a whole table of rows, table @ M.T.

    M is made of C / 2 blocks on the diagonal, [[cos b, sin b], [-sin b, cos b]] with b = shift * speed; its inverse,
    its transpose and the matrix of -shift are the same.  Raises ValueError for an odd width, where the last sine has
    no cosine: without it nobody can say which way its hand moves.
    """
    if width % 2:
        raise ValueError(f"only pairs of sine and cosine can be turned, but width {width} is odd")
    angle = shift * angular_speeds(width, base, xp)
    cosines, sines = xp.diag(xp.cos(angle)), xp.diag(xp.sin(angle))
    turn = xp.empty((width, width), dtype=dtype)
    turn[0::2, 0::2], turn[0::2, 1::2] = cosines, sines
    turn[1::2, 0::2], turn[1::2, 1::2] = -sines, cosines
    return turn


def grid_positions(
    n_rows: int, n_columns: int, width: int, dtype: Any = "float64", base: float = 10000.0, xp: Any = np
) -> Array:
    """-> (n_rows * n_columns, C), a table for the places of an image, row by row.

    The first half of the width says the row, the second the column.
    Source: Parmar et al. 2018, "Image Transformer", section 3.1.  Raises ValueError for an odd width.
    """
    if width % 2:
        raise ValueError(f"width {width} cannot be shared out evenly between rows and columns")
    half = width // 2
    rows = sinusoidal_positions(n_rows, half, dtype, base, xp)[:, None, :]
    columns = sinusoidal_positions(n_columns, half, dtype, base, xp)[None, :, :]
    shape = (n_rows, n_columns, half)
    both = xp.concatenate((xp.broadcast_to(rows, shape), xp.broadcast_to(columns, shape)), axis=-1)
    return both.reshape(n_rows * n_columns, width)


@in_float32
def add_positions_forward(x: Array, table: Array, start: int = 0) -> tuple[Array, PositionsCache]:
    """x: (..., T, C), table: (N, C) -> x + table[start : start + T], cache.

    Raises ValueError when the table is too short or has another width.
    """
    if x.shape[-1] != table.shape[-1]:
        raise ValueError(f"x has width {x.shape[-1]} but the position table has {table.shape[-1]}")
    return x + _rows(table, start, x.shape[-2]), PositionsCache(table, start)


@in_float32
def add_positions_backward(dy: Array, cache: PositionsCache) -> tuple[Array, Array]:
    """dy: (..., T, C) -> dx: (..., T, C), dtable: (N, C)."""
    return dy, _sum_into_rows(dy, cache)  # y = x + table[start:end], for every sequence


@in_float32
def concat_positions_forward(x: Array, table: Array, start: int = 0) -> tuple[Array, PositionsCache]:
    """x: (..., T, C), table: (N, P) -> y: (..., T, C + P), with row start + t of the table beside token t, cache.

    Raises ValueError when the table is too short.
    """
    xp = xp_of(x)
    rows = _rows(table, start, x.shape[-2])
    return xp.concatenate((x, xp.broadcast_to(rows, (*x.shape[:-1], table.shape[-1]))), axis=-1), PositionsCache(
        table, start
    )


@in_float32
def concat_positions_backward(dy: Array, cache: PositionsCache) -> tuple[Array, Array]:
    """dy: (..., T, C + P) -> dx: (..., T, C), dtable: (N, P)."""
    width = dy.shape[-1] - cache.table.shape[-1]
    return dy[..., :width], _sum_into_rows(dy[..., width:], cache)  # y = [x, table[start:end]]


def _rows(table: Array, start: int, length: int) -> Array:
    end = start + length
    if start < 0 or end > table.shape[0]:
        raise ValueError(f"positions {start} to {end - 1} are asked for but the table has {table.shape[0]} rows")
    return table[start:end]


def _sum_into_rows(drows: Array, cache: PositionsCache) -> Array:
    """drows: (..., T, P) -> (N, P): every sequence read the same rows."""
    table, start = cache
    dtable = xp_of(drows).zeros_like(table)
    dtable[start : start + drows.shape[-2]] = drows.sum(axis=tuple(range(drows.ndim - 2)))
    return dtable

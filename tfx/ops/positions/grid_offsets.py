"""Offsets on a grid: for an image, how many rows and how many columns a key stands from a query.

An image of R rows and C columns has R C places, counted row by row, and (2R - 1)(2C - 1) different offsets (dr, dc).
Offset (dr, dc) has the number (dr + R - 1)(2C - 1) + (dc + C - 1), so that a table with one row per offset gives each
pair of places its bias (bucket_bias_forward of ops/positions/relative_buckets.py).
Source: Liu et al. 2021, "Swin Transformer", section 3.2, equation 4, where the grid is one window of the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.positions.relative_offsets import every_offset, key_offsets


def grid_offset_numbers(n_rows: int, n_columns: int, xp: Any = np) -> Array:
    """-> (R C, R C) integers, the number of the offset from place i to place j."""
    rows = key_offsets(n_rows, xp=xp)[:, None, :, None] + (n_rows - 1)  # (R, 1, R, 1)
    columns = key_offsets(n_columns, xp=xp)[None, :, None, :] + (n_columns - 1)  # (1, C, 1, C)
    places = n_rows * n_columns
    return (rows * (2 * n_columns - 1) + columns).reshape(places, places)


def every_grid_offset(n_rows: int, n_columns: int, xp: Any = np) -> Array:
    """-> ((2R - 1)(2C - 1), 2) integers: rows and columns down and to the right, in the order of their numbers."""
    rows, columns = every_offset(n_rows, xp=xp), every_offset(n_columns, xp=xp)
    shape = (rows.shape[0], columns.shape[0])
    both = (xp.broadcast_to(rows[:, None], shape), xp.broadcast_to(columns[None, :], shape))
    return xp.stack(both, axis=-1).reshape(shape[0] * shape[1], 2)

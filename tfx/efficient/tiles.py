"""Cutting scores into tiles: spans of queries, spans of keys, and the part of a mask that belongs to both."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.ops.attention.masks import Mask


def spans(length: int, block: int, name: str = "block") -> list[slice]:
    """Slices of `block` indices that cover 0 .. length - 1; the last may be shorter, and a length of 0 gives none.

    Raises ValueError when the block, called `name` in the message, is not at least 1.
    """
    whole_number(name, block, 1)
    return [slice(start, min(start + block, length)) for start in range(0, length, block)]


def mask_tile(mask: Mask, rows: slice, columns: slice) -> Array | None:
    """The part of a mask for these queries and keys; an axis of length 1, or a missing one, is left to broadcast."""
    if mask is None or mask.ndim == 0:
        return mask
    if mask.shape[-1] != 1:
        mask = mask[..., columns]
    return mask[..., rows, :] if mask.ndim > 1 and mask.shape[-2] != 1 else mask


def diagonal_tile(rows: slice, columns: slice, past: int, xp: Any = np) -> Array:
    """This part of a causal mask, (rows, columns): True where key j <= past + query i."""
    return xp.arange(columns.start, columns.stop) <= xp.arange(rows.start, rows.stop)[:, None] + past


def leading_axes(q: Array, k: Array, v: Array, mask: Mask) -> tuple[int, ...]:
    """The axes in front of (T, D), all four broadcast together."""
    lead = () if mask is None else mask.shape[:-2]
    return np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2], lead)


def common_dtype(*arrays: Array) -> Any:
    """What the arrays have in common, for buffers that collect parts of a result."""
    return np.result_type(*(array.dtype for array in arrays))

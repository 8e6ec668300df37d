"""Attention masks: who may look at whom.

    causal    query i may attend to keys 0 .. past + i         no token sees its future
    padding   every query may attend to keys 0 .. length - 1   nobody sees the filling at the end of a short row
    window    query i may attend to keys i - left .. i + right only neighbours

A mask is boolean, True means "may attend", and it broadcasts to (..., T, S).  Two masks combine with "and".
So two axes are always (T, S).  A row for each sequence of a batch, (B, S), would be taken for that where B = T: it is
written (B, 1, 1, S), which is mask[:, None, None], and what `padding_mask` gives.
Other libraries say the opposite (True = blocked) or add a bias of 0 and -inf to the scores: `from_blocked` and
`from_additive` translate.  Blocking happens before the softmax, so that the remaining weights still sum to 1.
Source: Vaswani et al. 2017, sections 3.1 and 3.2.3; window: Beltagy et al. 2020, "Longformer", section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx.backend import Array, on_host, xp_of
from tfx.ops.positions.relative_offsets import key_offsets

#: A mask, or None where nothing is blocked.  Of tokens, (B, T), True means "is real", and False is filling.
Mask = Array | None


def causal_mask(n_queries: int, n_keys: int | None = None, past: int = 0, xp: Any = np) -> Array:
    """-> (T, S) bool, True where key j <= past + i.

    past: how many keys come before the first query, as when generating with stored keys; S is past + T unless told.
    """
    return window_mask(n_queries, n_keys, left=None, right=0, past=past, xp=xp)


def window_mask(
    n_queries: int,
    n_keys: int | None = None,
    left: int | None = 0,
    right: int | None = 0,
    past: int = 0,
    xp: Any = np,
) -> Array:
    """-> (T, S) bool, True where -left <= j - (past + i) <= right; None means no limit on that side.

    Raises ValueError when a length or a side is negative.
    """
    n_keys = past + n_queries if n_keys is None else n_keys
    named = {"n_queries": n_queries, "n_keys": n_keys, "past": past, "left": left, "right": right}
    for name, number in named.items():
        if number is not None and number < 0:
            raise ValueError(f"{name} must not be negative, but is {number}")
    ahead = key_offsets(n_queries, n_keys, past, xp)
    allowed = xp.ones((n_queries, n_keys), dtype=bool)
    if left is not None:
        allowed = allowed & (ahead >= -left)
    if right is not None:
        allowed = allowed & (ahead <= right)
    return allowed


def padding_mask(lengths: Sequence[int] | Array, n_keys: int, xp: Any = np, n_rows: int | None = None) -> Array:
    """lengths: (B,) real tokens in each row -> (B, 1, 1, S) bool, True where key j < length.

    n_rows: B, where it is known.  Raises TypeError unless the lengths are integers, ValueError when there are not B, or
    one is negative or larger than n_keys (looked at when the lengths are on the host).
    """
    _check_one_for_each_row("lengths", lengths, n_rows)
    if on_host(lengths):
        for length in lengths:
            if not 0 <= length <= n_keys:
                raise ValueError(f"a row of length {length} does not fit {n_keys} keys")
    return xp.arange(n_keys)[None, None, None, :] < xp.asarray(lengths)[:, None, None, None]


def left_padding_mask(n_filling: Array, n_keys: int, xp: Any = np, n_rows: int | None = None) -> Array:
    """n_filling: (B,) tokens in front of each row's text -> (B, 1, 1, S) bool, True where key j >= n_filling.

    n_rows: B, where it is known.  Raises TypeError unless they are integers, ValueError when there are not B.
    """
    _check_one_for_each_row("left padding", n_filling, n_rows)
    return xp.arange(n_keys)[None, None, None, :] >= xp.asarray(n_filling)[:, None, None, None]


def tokens_kept(mask: Array | None, n_tokens: int | None = None) -> Array | None:
    """mask: (B, 1, 1, S), of padding_mask or left_padding_mask, or None -> (B, T) bool: which tokens are no filling.

    n_tokens: T, the last of the S keys; all unless told.
    """
    if mask is None:
        return None
    n_keys = mask.shape[-1]
    return mask[:, 0, 0, n_keys - (n_keys if n_tokens is None else n_tokens) :]


def combine_masks(*masks: Array | None) -> Array | None:
    """The masks joined by "and", broadcast together; None blocks nothing.  All None -> None."""
    given = [mask for mask in masks if mask is not None]
    for mask in given:
        if mask.dtype != bool:
            raise TypeError(f"mask must be boolean (True = may attend), not {mask.dtype}")
    if not given:
        return None
    combined = given[0]
    for mask in given[1:]:
        if any(a != b and 1 not in (a, b) for a, b in zip(combined.shape[::-1], mask.shape[::-1], strict=False)):
            raise ValueError(f"a mask {mask.shape} does not fit one of {combined.shape}")
        combined = combined & mask
    return combined


def _check_one_for_each_row(name: str, numbers: Sequence[int] | Array, n_rows: int | None) -> None:
    array: Any = numbers if hasattr(numbers, "dtype") else np.asarray(numbers)
    dtype, shape = array.dtype, array.shape
    if dtype.kind not in "iu" and shape != (0,):
        raise TypeError(f"{name} must be integers, not {dtype}")
    if len(shape) != 1 or n_rows not in (None, shape[0]):
        raise ValueError(f"{name} must be one number for each row, ({'B' if n_rows is None else n_rows},), not {shape}")


def from_blocked(blocked: Array) -> Array:
    """A mask of the opposite convention, True = blocked (torch.nn.MultiheadAttention) -> True = may attend."""
    if blocked.dtype != bool:
        raise TypeError(f"mask must be boolean (True = blocked), not {blocked.dtype}")
    return ~blocked


def from_additive(bias: Array, blocked_below: float = -1e4) -> Array:
    """A bias that is added to the scores (0 = may attend, -inf, -1e9 or -1e4 = blocked) -> True = may attend.

    Raises ValueError for NaN and for any other number: such a bias shapes the weights and is no mask (checked on the
    host).
    """
    allowed = bias > blocked_below
    if on_host(bias):
        if np.isnan(bias).any():
            raise ValueError("the bias holds NaN, as (1 - m) * -inf does where m is 1; write np.where(m, 0, -np.inf)")
        shaping = bias[allowed & (bias != 0)]
        if shaping.size:
            raise ValueError(f"a bias of {shaping[0]:g} is no mask: it must be 0 or at most {blocked_below:g}")
    return xp_of(bias).asarray(allowed)

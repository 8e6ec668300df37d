"""Heads and hidden units taken out: layers with smaller matrices.

A head reaches the output only through its rows of W_o, and a hidden unit through its row of the second matrix.  Where
these rows are 0 the smaller layer computes the same as the whole one; elsewhere it computes what the whole one would
with these rows set to 0.
Source: Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?", sections 3 and 4.
"""

from __future__ import annotations

import copy

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.feed_forward import FeedForward
from tfx.nn.linear import Linear
from tfx.params import Parameter


def remove_heads(attention: MultiHeadAttention, keep: Array) -> MultiHeadAttention:
    """keep: (H,) boolean -> an attention with those heads alone; its parameters are copies.

    With grouped heads, every group that is left must keep as many query heads as the others.  Raises ValueError when it
    does not, when no head is left, and for attention whose bias or kernel belongs to the heads it has now.
    """
    keep = to_numpy(keep)
    if keep.shape != (attention.n_heads,) or keep.dtype != bool:
        raise ValueError(
            f"keep must be one boolean for each of {attention.n_heads} heads, not {keep.dtype} {keep.shape}"
        )
    if attention.position_bias is not None or attention.kernel is not None:
        raise ValueError("a position bias or a kernel was made for the heads there are; remove heads without them")
    of_group = keep.reshape(attention.n_kv_heads, -1).sum(axis=1)
    left = of_group > 0
    if not keep.any() or np.unique(of_group[left]).size > 1:
        raise ValueError(f"the groups would keep {of_group.tolist()} query heads; those left must keep equally many")
    queries, keys = np.repeat(keep, attention.d_head), np.repeat(left, attention.d_head)
    smaller = copy.copy(attention)
    smaller.n_heads, smaller.n_kv_heads = int(keep.sum()), int(left.sum())
    smaller.query = _columns(attention.query, queries)
    smaller.key, smaller.value = _columns(attention.key, keys), _columns(attention.value, keys)
    smaller.output = _rows(attention.output, queries)
    return smaller


def remove_units(network: FeedForward, keep: Array) -> FeedForward:
    """keep: (F,) boolean -> a network with those hidden units alone; its parameters are copies.

    Raises ValueError for another number of units, or when none is left.
    """
    keep, d_ff = to_numpy(keep), network.first.w.shape[1]
    if keep.shape != (d_ff,) or keep.dtype != bool:
        raise ValueError(f"keep must be one boolean for each of {d_ff} units, not {keep.dtype} {keep.shape}")
    if not keep.any():
        raise ValueError(f"none of {d_ff} units would be left")
    smaller = copy.copy(network)
    smaller.first = _columns(network.first, keep)
    smaller.gate = None if network.gate is None else _columns(network.gate, keep)
    smaller.second = _rows(network.second, keep)
    return smaller


def _columns(linear: Linear, keep: np.ndarray) -> Linear:
    """The outputs that are kept, and their offsets."""
    smaller = copy.copy(linear)
    smaller.w = Parameter(linear.w.value[:, np.flatnonzero(keep)])
    smaller.b = None if linear.b is None else Parameter(linear.b.value[np.flatnonzero(keep)])
    return smaller


def _rows(linear: Linear, keep: np.ndarray) -> Linear:
    """The inputs that are kept; the offset belongs to the output and stays whole."""
    smaller = copy.copy(linear)
    smaller.w = Parameter(linear.w.value[np.flatnonzero(keep)])
    smaller.b = None if linear.b is None else Parameter(linear.b.value.copy())
    return smaller

"""Heads with tables of their own: gathered attention where some heads read one way and others another.

Derivation.  Heads do not touch each other, so each group's gradients go to its own heads.  Where one head of keys
serves several groups, their gradients add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.gathered_attention import (
    GatheredAttentionCache,
    Gathering,
    gathered_attention_backward,
    gathered_attention_forward,
)
from tfx.efficient.tiles import common_dtype, leading_axes
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.ops.basics.broadcast import fold

#: Which heads, and the table they share.  slice(None) is all of them, or an array without an axis of heads.
Groups = Sequence[tuple[slice, Gathering]]


class GatheredHeadsCache(NamedTuple):
    shapes: tuple[tuple[int, ...], ...]  # of q, k, v
    groups: tuple[tuple[slice, GatheredAttentionCache], ...]


@in_float32
def gathered_heads_forward(
    q: Array, k: Array, v: Array, mask: Mask = None, scale: float | None = None, *, groups: Groups
) -> tuple[Array, GatheredHeadsCache]:
    """As gathered_attention_forward, with q: (..., H, T, D).  groups: together, every head once."""
    check_attention_shapes(q, k, v, mask)
    lead = leading_axes(q, k, v, mask)
    out = xp_of(q).empty((*lead, q.shape[-2], v.shape[-1]), dtype=common_dtype(q, k, v))
    caches = []
    for heads, table in groups:
        part_q, part_k, part_v = (_of_heads(x, heads) for x in (q, k, v))
        part_mask = None if mask is None else _of_heads(mask, heads)
        got, cache = gathered_attention_forward(part_q, part_k, part_v, part_mask, scale, table=table)
        _of_heads(out, heads)[...] = got
        caches.append((heads, cache))
    return out, GatheredHeadsCache((q.shape, k.shape, v.shape), tuple(caches))


@in_float32
def gathered_heads_backward(dout: Array, cache: GatheredHeadsCache) -> tuple[Array, Array, Array]:
    """dout: (..., H, T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    dq, dk, dv = (xp_of(dout).zeros(shape, dtype=dout.dtype) for shape in cache.shapes)
    for heads, gathered in cache.groups:
        grads = gathered_attention_backward(_of_heads(dout, heads), gathered)
        for total, grad in zip((dq, dk, dv), grads, strict=True):
            part = _of_heads(total, heads)  # a view; where one head of keys serves all groups, each adds to it
            part += fold(grad, part)
    return dq, dk, dv


def count_heads(q: Array) -> int:
    """H of q: (..., H, T, D); 1 where there is no such axis."""
    return q.shape[-3] if q.ndim > 2 else 1


def _of_heads(x: Array, heads: slice) -> Array:
    """The part (..., H, T, D) of these heads, a view; all of it where there is one head for all, or none at all."""
    everything = heads == slice(None) or x.ndim < 3 or x.shape[-3] == 1
    return x[...] if everything else x[..., heads, :, :]

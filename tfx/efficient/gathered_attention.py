"""Gathered attention: exact attention over a table that says which keys each block of queries reads.

A sparse pattern saves nothing as a mask on a T x S matrix.  Here queries are cut into N blocks of b, each block has a
list of K keys of its own, and only N b K scores are made:

    q_block[n, i] = q[queries[n, i]]        k_block[n, j] = k[keys[n, j]]        v_block likewise         (gather)
    o_block = attention(q_block, k_block, v_block, allowed)        N small attentions: scaled_dot_product.py
    o[queries[n, i]] = o_block[n, i]                               every query stands in exactly one block

A window, a dilated window, columns, random blocks: only the table differs (longformer.py, sparse_transformer.py,
big_bird.py).  Blocks at an end have empty slots, which nobody is allowed to read.  A few queries may read everything:
their whole rows are made, next to the blocks.

Derivation.  The middle line is undone by ops/attention/scaled_dot_product.py.  Gathering copies, so its backward adds
up the copies:

    dq[queries[n, i]] = dq_block[n, i]                  one copy
    dk[s] = sum of dk_block[n, j] over all (n, j) with keys[n, j] = s

The table is known beforehand, so its slots are sorted by key once, and the sum runs over one stretch for each key.
Whole rows are exact attention, whose gradients are added.

Exact: the attention under the mask that the table stands for.  Cost: O(N b K (D + Dv)) time and O(N K (D + Dv)) more
memory for the copies, instead of O(T S (D + Dv)) and O(T S).  It pays as soon as K is well below S.
Source: Beltagy et al. 2020, "Longformer", appendix A, and Zaheer et al. 2020, "Big Bird", appendix D, compute their
windows in blocks in this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask, causal_mask, combine_masks
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_forward,
    check_attention_shapes,
)


class Gathering(NamedTuple):
    """The table, for T queries and S keys.  Empty slots hold number 0 and are not allowed."""

    queries: Array  # (N, b) numbers of queries
    keys: Array  # (N, K) numbers of keys
    allowed: Array  # (N, b, K) bool
    slot: Array  # (T,) where in the N b slots each query stands
    order: Array  # the slots among N K that anybody reads, sorted by the number of their key
    starts: Array  # (U,) where in `order` the slots of each key start
    used: Array  # (U,) the numbers of those keys
    rows: Array  # (G,) queries whose whole rows are made; in the blocks they read nothing
    rows_allowed: Array  # (G, S) bool

    @property
    def n_scores(self) -> int:
        """N b K + G S: how many scores are made, for one head of one sequence."""
        return self.allowed.size + self.rows_allowed.size

    def mask(self, n_keys: int) -> Array:
        """-> (T, S) bool: the pattern as a mask for exact attention; tables on the host only."""
        mask = np.zeros((len(self.slot), n_keys), dtype=bool)
        block, i, j = np.nonzero(self.allowed)
        mask[self.queries[block, i], self.keys[block, j]] = True
        mask[self.rows] = self.rows_allowed
        return mask


class GatheredAttentionCache(NamedTuple):
    table: Gathering
    attention: AttentionCache
    k_shape: tuple[int, ...]
    v_shape: tuple[int, ...]
    rows: AttentionCache | None


def gathering(
    queries: np.ndarray,
    keys: np.ndarray,
    allowed: np.ndarray,
    n_queries: int,
    n_keys: int,
    rows: Sequence[int] = (),
    causal: bool = False,
) -> Gathering:
    """queries: (N, b), keys: (N, K) numbers, allowed: (N, b, K) -> the table.

    A number outside 0 .. T - 1, or 0 .. S - 1, is an empty slot.  Blocks without queries and columns of keys
    that no block reads are left out.
    rows: queries that read every key, or, if causal, every key up to their own (the last query stands at the last key).
    Raises ValueError unless every query stands in exactly one slot.
    """
    whole = np.asarray(rows, dtype=np.int64)
    filled = ((queries >= 0) & (queries < n_queries)).any(axis=1)  # a block without queries is left out
    queries, keys, allowed = queries[filled], keys[filled], allowed[filled]
    real_queries = (queries >= 0) & (queries < n_queries)
    real_keys = (keys >= 0) & (keys < n_keys)
    allowed = allowed & (real_queries & ~np.isin(queries, whole))[:, :, None] & real_keys[:, None, :]
    read = allowed.any(axis=(0, 1))
    queries, keys, allowed = (
        np.where(real_queries, queries, 0),
        np.where(real_keys, keys, 0)[:, read],
        allowed[..., read],
    )
    slots = np.flatnonzero(real_queries)
    standing = queries.reshape(-1)[slots]
    if not np.array_equal(np.sort(standing), np.arange(n_queries)):
        raise ValueError(f"every one of {n_queries} queries has to stand in exactly one slot")
    slot = np.empty(n_queries, dtype=np.int64)
    slot[standing] = slots
    read_slots = np.flatnonzero(allowed.any(axis=1))
    owners = keys.reshape(-1)[read_slots]
    order = read_slots[np.argsort(owners, kind="stable")]
    used, starts = np.unique(np.sort(owners), return_index=True)
    below = causal_mask(n_queries, n_keys, n_keys - n_queries)[whole] if causal else np.ones((whole.size, n_keys), bool)
    return Gathering(queries, keys, allowed, slot, order, starts, used, whole, below)


def gathering_of_mask(mask: np.ndarray) -> Gathering:
    """mask: (T, S) bool -> a table of blocks of one query, each with the keys that it may attend to and no others."""
    if mask.ndim != 2 or mask.dtype != bool:
        raise ValueError(f"a table is made of a boolean mask (T, S), not of {mask.dtype} {mask.shape}")
    n_queries, n_keys = mask.shape
    counts = mask.sum(axis=1)
    allowed = np.arange(counts.max(initial=0)) < counts[:, None]  # (T, K)
    keys = np.zeros(allowed.shape, dtype=np.int64)
    keys[allowed] = np.nonzero(mask)[1]
    return gathering(np.arange(n_queries)[:, None], keys, allowed[:, None, :], n_queries, n_keys)


@in_float32
def gathered_attention_forward(
    q: Array, k: Array, v: Array, mask: Mask = None, scale: float | None = None, *, table: Gathering
) -> tuple[Array, GatheredAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend, on top of the table's; a fully blocked row gives
    zeros.  scale: 1 / sqrt(D) unless told.  table: from `gathering`, on the host.
    Raises ValueError when widths or lengths do not match, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    if table.slot.shape[0] != q.shape[-2]:
        raise ValueError(f"the table is for {table.slot.shape[0]} queries but there are {q.shape[-2]}")
    if on_host(table.used) and table.used.size and table.used[-1] >= k.shape[-2]:
        raise ValueError(f"the table reads key {table.used[-1]} but there are {k.shape[-2]}")
    xp = xp_of(q)
    table = Gathering(*(xp.asarray(part) for part in table))
    q_block = xp.take(q, table.queries, axis=-2)  # (..., N, b, D)
    k_block, v_block = (xp.take(x, table.keys, axis=-2) for x in (k, v))  # (..., N, K, D)
    allowed = combine_masks(table.allowed, None if mask is None else gather_mask(mask, table))
    o_block, attention = attention_forward(q_block, k_block, v_block, allowed, scale)
    out = xp.take(_in_one_row(o_block), table.slot, axis=-2)
    rows = None
    if table.rows.shape[0]:
        if mask is not None and mask.ndim > 1 and mask.shape[-2] != 1:
            mask = mask[..., table.rows, :]
        whole = combine_masks(table.rows_allowed, mask)
        o_rows, rows = attention_forward(xp.take(q, table.rows, axis=-2), k, v, whole, scale)
        out[..., table.rows, :] = o_rows
    return out, GatheredAttentionCache(table, attention, k.shape, v.shape, rows)


@in_float32
def gathered_attention_backward(dout: Array, cache: GatheredAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    table, attention, k_shape, v_shape, rows = cache
    xp = xp_of(dout)
    do_block = xp.take(dout, table.queries, axis=-2)  # o[queries] = o_block; who reads no key passes no gradient
    dq_block, dk_block, dv_block = attention_backward(do_block, attention)
    dq = xp.take(_in_one_row(dq_block), table.slot, axis=-2)  # q_block = q[queries]
    dk, dv = _add_copies(dk_block, table, k_shape), _add_copies(dv_block, table, v_shape)
    if rows is not None:
        dq_rows, dk_rows, dv_rows = attention_backward(xp.take(dout, table.rows, axis=-2), rows)
        dq[..., table.rows, :] = dq_rows  # o[rows] = attention(q[rows], k, v)
        dk += dk_rows
        dv += dv_rows
    return dq, dk, dv


def gather_mask(mask: Array, table: Gathering) -> Array:
    """mask: broadcastable to (..., T, S) -> its entries for every block, broadcastable to (..., N, b, K)."""
    xp = xp_of(mask)
    if mask.ndim == 0:
        return mask
    mask = mask[None] if mask.ndim == 1 else mask
    first = xp.zeros((1, 1, 1), dtype="int64")  # an axis of length 1 is left to broadcast
    rows = table.queries[:, :, None] if mask.shape[-2] != 1 else first
    columns = table.keys[:, None, :] if mask.shape[-1] != 1 else first
    return mask[..., rows, columns]


def _in_one_row(x: Array) -> Array:
    """(..., N, b, D) -> (..., N b, D)."""
    return x.reshape(*x.shape[:-3], x.shape[-3] * x.shape[-2], x.shape[-1])


def _add_copies(dblock: Array, table: Gathering, shape: tuple[int, ...]) -> Array:
    """(..., N, K, D) -> (..., S, D): the gradient of each key is the sum over its copies."""
    xp = xp_of(dblock)
    dx = xp.zeros(shape, dtype=dblock.dtype)
    if table.order.shape[0]:
        sorted_by_key = xp.take(_in_one_row(dblock), table.order, axis=-2)
        dx[..., table.used, :] = xp.add.reduceat(sorted_by_key, table.starts, axis=-2)  # k_block = k[keys]
    return dx

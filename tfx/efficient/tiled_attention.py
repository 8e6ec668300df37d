"""Tiled attention: exact attention whose T x S scores never exist as a whole (FlashAttention).

Queries and keys are cut into blocks, and the scores are made tile by tile.  A softmax seems to need its whole row, but
its maximum and its sum can be kept up to date while the row passes by: after each tile, for each query,

    m' = max(m, max_j s_j)                              the largest score so far
    l' = exp(m - m') l + sum_j exp(s_j - m')            the sum of exponentials, in units of exp(m')
    a' = exp(m - m') a + sum_j exp(s_j - m') v_j        the weighted sum of values, in the same units

and at the end of the row  o = a / l.  All that is kept for the backward is o and L = m + log l, one number a query.

Derivation.  L gives every weight back without its neighbours, P_ij = exp(S_ij - L_i), so the backward makes each tile
anew and undoes it as ops/attention/scaled_dot_product.py undoes the whole:

    dV_j = sum_i P_ij dO_i        dP_ij = dO_i . V_j        dS_ij = P_ij (dP_ij - D_i)

Only D_i = sum_j P_ij dP_ij asks for the whole row, and it is known beforehand:

    D_i = sum_j P_ij (dO_i . V_j) = dO_i . (sum_j P_ij V_j) = dO_i . O_i

With dropout O_i = sum_j P_ij M_ij V_j and dP_ij = M_ij (dO_i . V_j), so the same line holds.

Exact: everything, to rounding.  Cost: the arithmetic of exact attention, plus one product to make the scores again;
memory O(T (D + Dv)) instead of O(T S).  What lies above a causal diagonal is never made, which is half of the work.

It pays in memory always, and in time where T x S scores do not fit the cache: in NumPy from one or two thousand tokens
on (`tfx bench attention`).  What makes it quick there, T = 2048, H = 4, forward and backward in one thread: tiles of
64 x 64 scores for all heads at once take 1.5 times as long; tiles so large that calling costs little, 1.2 times; one
head after the other, so that a tile is still in the cache when the next step reads it, 1.0.  A few percent more come
from work in place, from tiles made where the one before stood, and from a scale multiplied into Q.
Where one weight is 1, dP - D is 0 but for rounding, since the two are sums in another order; with queries or keys of
1e15 that rounding shows in their gradients, as it does wherever D is made of dO and O.
Sources: Dao et al. 2022, "FlashAttention", algorithms 1, 2 and 4; running maximum and sum: Milakov and Gimelshein 2018,
"Online normalizer calculation for softmax", algorithm 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import number, whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.tiles import common_dtype, diagonal_tile, leading_axes, mask_tile, spans
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.dropout import dropout_mask
from tfx.ops.basics.sums import row_sums
from tfx.ops.basics.weighted_sum import weighted_sum, where_read

#: Queries of a tile, unless told.
BLOCK_Q = 256
#: Scores made at once, unless told: 512 KiB in float32.  Smaller tiles pay more for calls, larger ones leave the cache.
TILE_SCORES = 256 * 512


class Tiling(NamedTuple):
    """How the scores are cut and what a tile needs to be made a second time."""

    scale: float
    block_q: int
    block_k: int
    causal: bool
    rate: float
    seed: int


class TiledAttentionCache(NamedTuple):
    q: Array
    k: Array
    v: Array
    mask: Mask
    out: Array  # (..., T, Dv)
    logsumexp: Array  # L: (..., T, 1), 0 for a fully blocked row
    tiling: Tiling


class Heads(NamedTuple):
    """The heads that are worked on together, cut out of the leading axes at `index`."""

    index: Any
    q: Array
    k: Array
    v: Array
    mask: Mask
    numbers: Any  # one for each head, of which its dropout is drawn


@in_float32
def tiled_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    causal: bool = False,
    block_q: int | None = None,
    block_k: int | None = None,
    rate: float = 0.0,
    seed: int = 0,
) -> tuple[Array, TiledAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    scale: 1 / sqrt(D) unless told.  causal: the last query sees every key, the one before all but one, and so on.
    block_q, block_k: the size of a tile, unless told one that fits the cache.  rate: dropout of the weights, drawn
    again from `seed` for every tile; which are dropped depends on the tiles' size.
    Raises ValueError when widths or lengths do not match or a block is below 1, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    number("rate", rate, 0, below=1)
    whole_number("seed", seed, 0)
    xp = xp_of(q)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    tiling = Tiling(scale, *_blocks(q.shape[-2], block_q, block_k), causal, rate, seed)
    shape, dtype = (*leading_axes(q, k, v, mask), q.shape[-2]), common_dtype(q, k, v)
    out = xp.zeros((*shape, v.shape[-1]), dtype=dtype)
    logsumexp = xp.zeros((*shape, 1), dtype=dtype)
    for heads in _heads(q, k, v, mask, tiling):
        for rows in spans(q.shape[-2], tiling.block_q):
            here = (*heads.index, ..., rows, slice(None))
            logsumexp[here] = _attend_rows(heads, rows, tiling, out[here])
    return out, TiledAttentionCache(q, k, v, mask, out, logsumexp, tiling)


@in_float32
def tiled_attention_backward(dout: Array, cache: TiledAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    q, k, v, mask, out, logsumexp, tiling = cache
    xp = xp_of(q)
    dq, dk, dv = (xp.zeros((*out.shape[:-2], *x.shape[-2:]), dtype=q.dtype) for x in (q, k, v))
    inner = row_sums(dout * out)  # D = rowsum(P * dP) = rowsum(dO * O)
    for heads in _heads(q, k, v, mask, tiling):
        dk_heads, dv_heads = dk[(*heads.index, ...)], dv[(*heads.index, ...)]
        for rows in spans(q.shape[-2], tiling.block_q):
            here = (*heads.index, ..., rows, slice(None))
            given = dout[here], logsumexp[here], inner[here]
            _attend_rows_backward(heads, rows, tiling, given, (dq[here], dk_heads, dv_heads))
    return fold(dq, q), fold(dk, k), fold(dv, v)


def _attend_rows(heads: Heads, rows: slice, tiling: Tiling, out: Array) -> Array:
    """-> L of these queries, whose keys pass by tile after tile.  Their output is gathered in `out`, now all zeros."""
    xp, dtype = xp_of(out), out.dtype
    q_rows, room = _scaled_queries(heads, rows, tiling, dtype), _room_for_a_tile(heads, tiling, dtype)
    top = xp.full((*out.shape[:-1], 1), np.finfo(dtype).min / 2, dtype=dtype)  # m; -inf - -inf would be NaN
    total = xp.zeros((*out.shape[:-1], 1), dtype=dtype)  # l, and a in `out`
    for columns in _columns(heads, rows, tiling):
        weights = _scores(q_rows, heads, rows, columns, tiling, room)
        new_top = xp.maximum(top, weights.max(axis=-1, keepdims=True))
        shrink = xp.exp(top - new_top)  # from units of exp(m) to units of exp(m')
        weights -= new_top
        xp.exp(weights, out=weights)
        total *= shrink
        total += row_sums(weights)
        dropout = _dropout(weights, heads, rows, columns, tiling)
        if dropout is not None:
            weights *= dropout
        out *= shrink
        out += weighted_sum(weights, heads.v[..., columns, :])
        top = new_top
    blocked = total == 0  # and a = 0
    divisor = xp.where(blocked, 1, total).astype(dtype)
    out /= divisor
    return xp.where(blocked, 0, top + xp.log(divisor))


def _attend_rows_backward(
    heads: Heads, rows: slice, tiling: Tiling, given: tuple[Array, Array, Array], grads: tuple[Array, Array, Array]
) -> None:
    """Adds to the `grads`: dq of these queries, dk and dv of all keys.  given: dO, L and D of these queries."""
    dout, logsumexp, inner = given
    dq, dk, dv = grads
    xp = xp_of(dout)
    q_rows = _scaled_queries(heads, rows, tiling, logsumexp.dtype)
    room, second_room = (_room_for_a_tile(heads, tiling, logsumexp.dtype) for _ in range(2))
    for columns in _columns(heads, rows, tiling):
        k_columns, v_columns = heads.k[..., columns, :], heads.v[..., columns, :]
        dk_columns, dv_columns = dk[..., columns, :], dv[..., columns, :]
        weights = _scores(q_rows, heads, rows, columns, tiling, room)
        weights -= logsumexp
        xp.exp(weights, out=weights)  # P, out of L alone
        dropout = _dropout(weights, heads, rows, columns, tiling)
        dropped = weights if dropout is None else weights * dropout
        dv_columns += weighted_sum(dropped.swapaxes(-1, -2), dout)  # out = dropped @ v
        dscores = xp.matmul(dout, v_columns.swapaxes(-1, -2), out=_tile(second_room, weights.shape))
        if dropout is not None:
            dscores *= dropout  # dropped = weights * dropout
        dscores -= inner  # weights = softmax(scores)
        dscores *= weights
        dscores = where_read(dscores, weights)
        dq += weighted_sum(dscores, k_columns)  # scores = (q * scale) @ k^T
        dk_columns += weighted_sum(dscores.swapaxes(-1, -2), q_rows)
    dq *= tiling.scale


def _blocks(n_queries: int, block_q: int | None, block_k: int | None) -> tuple[int, int]:
    """The size of a tile: as told, and else so that it holds TILE_SCORES.  Few queries see many keys at once."""
    if block_q is None:
        block_q = max(1, min(BLOCK_Q, n_queries))
    whole_number("block_q", block_q, 1)
    if block_k is None:
        block_k = max(1, TILE_SCORES // max(1, min(block_q, n_queries)))
    whole_number("block_k", block_k, 1)
    return block_q, block_k


def _heads(q: Array, k: Array, v: Array, mask: Mask, tiling: Tiling) -> Iterator[Heads]:
    """On the host as many heads at a time as have their tiles in the cache; a graphics card takes all at once."""
    xp, lead = xp_of(q), leading_axes(q, k, v, mask)
    numbers = np.arange(math.prod(lead)).reshape(lead)
    q, k, v = (xp.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (q, k, v))
    if mask is not None and mask.ndim > 2:
        mask = xp.broadcast_to(mask, (*lead, *mask.shape[-2:]))
    indices: Any = [()]
    if lead and xp is np:
        together = max(1, TILE_SCORES // max(1, min(tiling.block_q, q.shape[-2]) * min(tiling.block_k, k.shape[-2])))
        indices = [(*first, last) for first in np.ndindex(lead[:-1]) for last in spans(lead[-1], together)]
    for index in indices:
        here = (*index, ...)
        mask_here = mask[here] if mask is not None and mask.ndim > 2 else mask
        yield Heads(index, q[here], k[here], v[here], mask_here, numbers[here])


def _columns(heads: Heads, rows: slice, tiling: Tiling) -> list[slice]:
    """The spans of keys that these queries can see."""
    n_queries, n_keys = heads.q.shape[-2], heads.k.shape[-2]
    past = n_keys - n_queries  # the last query stands at the last key
    return spans(min(n_keys, max(0, rows.stop + past)) if tiling.causal else n_keys, tiling.block_k, "block_k")


def _scaled_queries(heads: Heads, rows: slice, tiling: Tiling, dtype: Any) -> Array:
    """S = (scale Q) K^T: the scale costs one product a number of Q, where it would cost one a score."""
    return xp_of(heads.q).multiply(heads.q[..., rows, :], tiling.scale, dtype=dtype)


def _room_for_a_tile(heads: Heads, tiling: Tiling, dtype: Any) -> Array:
    """Memory in which one tile after the other is made."""
    n_queries, n_keys = min(tiling.block_q, heads.q.shape[-2]), min(tiling.block_k, heads.k.shape[-2])
    return xp_of(heads.q).empty(math.prod(heads.numbers.shape) * n_queries * n_keys, dtype=dtype)


def _tile(room: Array, shape: tuple[int, ...]) -> Array:
    return room[: math.prod(shape)].reshape(shape)


def _scores(q_rows: Array, heads: Heads, rows: slice, columns: slice, tiling: Tiling, room: Array) -> Array:
    """One tile of S, made in `room`, with -inf where a query may not attend."""
    xp, keys = xp_of(q_rows), heads.k[..., columns, :]
    scores = xp.matmul(q_rows, keys.swapaxes(-1, -2), out=_tile(room, (*q_rows.shape[:-1], keys.shape[-2])))
    allowed = mask_tile(heads.mask, rows, columns)
    if allowed is not None:
        xp.copyto(scores, -math.inf, where=~allowed)
    past = heads.k.shape[-2] - heads.q.shape[-2]
    late = slice(max(columns.start, rows.start + past + 1), columns.stop)  # keys that not all of these queries may see
    if tiling.causal and late.start < late.stop:
        xp.copyto(scores[..., late.start - columns.start :], -math.inf, where=~diagonal_tile(rows, late, past, xp))
    return scores


def _dropout(weights: Array, heads: Heads, rows: slice, columns: slice, tiling: Tiling) -> Array | None:
    """The same multipliers each time that a tile is made, however many heads there are in it."""
    if not tiling.rate:
        return None
    xp, multiplier = xp_of(weights), xp_of(weights).empty_like(weights)
    for head in np.ndindex(heads.numbers.shape):
        rng = np.random.default_rng((tiling.seed, int(heads.numbers[head]), rows.start, columns.start))
        multiplier[head] = dropout_mask(weights.shape[-2:], tiling.rate, rng, weights.dtype, xp)
    return multiplier

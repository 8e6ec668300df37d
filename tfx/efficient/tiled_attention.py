"""Tiled attention: exact attention whose T x S scores never exist as a whole (FlashAttention).

Queries and keys are cut into blocks, and the scores are made tile by tile.  A softmax seems to need its whole row, but
its maximum and its sum can be kept up to date while the row passes by: after each tile, for each query,

    m' = max(m, max_j s_j)                              the largest score so far
    l' = exp(m - m') l + sum_j exp(s_j - m')            the sum of exponentials, in units of exp(m')
    a' = exp(m - m') a + sum_j exp(s_j - m') v_j        the weighted sum of values, in the same units

and at the end of the row  o = a / l.  All that is kept for the backward is o and L = m + log l, one number a query.

Derivation.  L gives every weight back without its neighbours, P_ij = exp(S_ij - L_i), so the backward makes each tile
anew and undoes it as ops/attention.py undoes the whole:

    dV_j = sum_i P_ij dO_i        dP_ij = dO_i . V_j        dS_ij = P_ij (dP_ij - D_i)

Only D_i = sum_j P_ij dP_ij asks for the whole row, and it is known beforehand:

    D_i = sum_j P_ij (dO_i . V_j) = dO_i . (sum_j P_ij V_j) = dO_i . O_i

With dropout O_i = sum_j P_ij M_ij V_j and dP_ij = M_ij (dO_i . V_j), so the same line holds.

Exact: everything, to rounding.  Cost: the arithmetic of exact attention, plus one product to make the scores again;
memory O(T (D + Dv)) instead of O(T S).  Tiles that lie above a causal diagonal are never made.  It pays as soon as the
scores of all heads do not fit the fast memory: on a graphics card from a few hundred tokens on, in NumPy from one or
two thousand (causal: from about five hundred), and wherever T x S numbers are too many to be kept.
Sources: Dao et al. 2022, "FlashAttention", algorithms 1, 2 and 4; running maximum and sum: Milakov and Gimelshein 2018,
"Online normalizer calculation for softmax", algorithm 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.checks import number, whole_number
from tfx.efficient.tiles import common_dtype, diagonal_tile, leading_axes, mask_tile, spans
from tfx.ops.attend import fold
from tfx.ops.attention import check_attention_shapes
from tfx.ops.dropout import dropout_mask
from tfx.ops.masks import combine_masks


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
    mask: Array | None
    out: Array  # (..., T, Dv)
    logsumexp: Array  # L: (..., T, 1), 0 for a fully blocked row
    tiling: Tiling


def tiled_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    scale: float | None = None,
    *,
    causal: bool = False,
    block_q: int = 64,
    block_k: int = 64,
    rate: float = 0.0,
    seed: int = 0,
) -> tuple[Array, TiledAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    scale: 1 / sqrt(D) unless told.  causal: the last query sees every key, the one before all but one, and so on.
    block_q, block_k: the size of a tile.  rate: dropout of the weights, drawn again from `seed` for every tile; which
    are dropped depends on the tiles' size.
    Raises ValueError when widths or lengths do not match or a block is below 1, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    xp = xp_of(q)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    number("rate", rate, 0, below=1)
    whole_number("seed", seed, 0)
    tiling = Tiling(scale, block_q, block_k, causal, rate, seed)
    lead, n_queries, width = leading_axes(q, k, v, mask), q.shape[-2], v.shape[-1]
    spans(0, block_k, "block_k")
    dtype = common_dtype(q, k, v)
    out = xp.empty((*lead, n_queries, width), dtype=dtype)
    logsumexp = xp.empty((*lead, n_queries, 1), dtype=dtype)
    for rows in spans(n_queries, block_q, "block_q"):
        here = (*lead, rows.stop - rows.start)
        top = xp.full((*here, 1), -math.inf, dtype=dtype)  # m
        total = xp.zeros((*here, 1), dtype=dtype)  # l
        weighted = xp.zeros((*here, width), dtype=dtype)  # a
        for columns in _columns(rows, n_queries, k.shape[-2], tiling):
            scores = _scores(q, k, mask, rows, columns, tiling)
            new_top = xp.maximum(top, scores.max(axis=-1, keepdims=True))
            unit = _finite(new_top)
            weights = xp.exp(scores - unit)
            shrink = xp.exp(top - unit)  # from units of exp(m) to units of exp(m')
            total = shrink * total + weights.sum(axis=-1, keepdims=True)
            dropout = _dropout(weights, rows, columns, tiling)
            dropped = weights if dropout is None else weights * dropout
            weighted = shrink * weighted + dropped @ v[..., columns, :]
            top = new_top
        divisor = xp.where(total == 0, 1, total).astype(dtype)  # a fully blocked row has a = 0 and l = 0
        out[..., rows, :] = weighted / divisor
        logsumexp[..., rows, :] = _finite(top) + xp.log(divisor)
    return out, TiledAttentionCache(q, k, v, mask, out, logsumexp, tiling)


def tiled_attention_backward(dout: Array, cache: TiledAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    q, k, v, mask, out, logsumexp, tiling = cache
    xp = xp_of(q)
    lead = out.shape[:-2]
    dq, dk, dv = (xp.zeros((*lead, *x.shape[-2:]), dtype=q.dtype) for x in (q, k, v))
    inner = (dout * out).sum(axis=-1, keepdims=True)  # D = rowsum(P * dP) = rowsum(dO * O)
    for rows in spans(q.shape[-2], tiling.block_q):
        dout_rows, q_rows = dout[..., rows, :], q[..., rows, :]
        for columns in _columns(rows, q.shape[-2], k.shape[-2], tiling):
            scores = _scores(q, k, mask, rows, columns, tiling)
            weights = xp.exp(scores - logsumexp[..., rows, :])  # P, out of L alone
            dropout = _dropout(weights, rows, columns, tiling)
            dropped = weights if dropout is None else weights * dropout
            dv[..., columns, :] += dropped.swapaxes(-1, -2) @ dout_rows  # out = dropped @ v
            dweights = dout_rows @ v[..., columns, :].swapaxes(-1, -2)
            if dropout is not None:
                dweights = dweights * dropout  # dropped = weights * dropout
            dscores = weights * (dweights - inner[..., rows, :])  # weights = softmax(scores)
            dq[..., rows, :] += (dscores @ k[..., columns, :]) * tiling.scale  # scores = q @ k^T * scale
            dk[..., columns, :] += (dscores.swapaxes(-1, -2) @ q_rows) * tiling.scale
    return fold(dq, q), fold(dk, k), fold(dv, v)


def _columns(rows: slice, n_queries: int, n_keys: int, tiling: Tiling) -> Iterator[slice]:
    """The spans of keys that these queries can see."""
    past = n_keys - n_queries  # the last query stands at the last key
    for columns in spans(n_keys, tiling.block_k):
        if not tiling.causal or columns.start <= rows.stop - 1 + past:
            yield columns


def _scores(q: Array, k: Array, mask: Array | None, rows: slice, columns: slice, tiling: Tiling) -> Array:
    """One tile of S, with -inf where a query may not attend."""
    xp = xp_of(q)
    scores = (q[..., rows, :] @ k[..., columns, :].swapaxes(-1, -2)) * tiling.scale
    allowed = mask_tile(mask, rows, columns)
    past = k.shape[-2] - q.shape[-2]
    if tiling.causal and columns.stop - 1 > rows.start + past:  # the diagonal passes through this tile
        allowed = combine_masks(allowed, diagonal_tile(rows, columns, past, xp))
    return scores if allowed is None else xp.where(allowed, scores, -math.inf).astype(scores.dtype)


def _finite(top: Array) -> Array:
    """The maximum that is subtracted: 0 where every score so far is blocked, because -inf - -inf is NaN."""
    return xp_of(top).where(top == -math.inf, 0, top).astype(top.dtype)


def _dropout(weights: Array, rows: slice, columns: slice, tiling: Tiling) -> Array | None:
    """The same multiplier each time that a tile is made."""
    if not tiling.rate:
        return None
    rng = np.random.default_rng((tiling.seed, rows.start, columns.start))
    return dropout_mask(weights.shape, tiling.rate, rng, weights.dtype, xp_of(weights))

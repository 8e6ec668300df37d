"""Memory-efficient attention: exact attention, a few queries at a time, and nothing kept for the backward.

Queries do not see each other: the rows of softmax(Q K^T) V can be computed in chunks, each with its whole row of
scores, and the scores of a chunk are forgotten before the next begins.

Derivation.  The backward makes the forward of each chunk again and undoes it at once (checkpointing).  A query belongs
to one chunk, so dQ is put together from the chunks; every chunk reads all keys and values, so their gradients are sums:

    dQ = [dQ_1 ... dQ_n]        dK = sum_i dK_i        dV = sum_i dV_i

What differs from tiled_attention.py, which is the same mathematics: here whole rows are made and the textbook
softmax does them, there tiles with a running maximum and sum.  Here only q, k and v are kept, there the output and one
number a query too, which save the backward the maximum and the sum.  With running sums over chunks of keys as well
(section 3 of the paper), this forward is the tiled one.

Exact: everything, to rounding.  Cost: the arithmetic of exact attention, its forward
twice; memory O(chunk S), and O((T + S) D) for the results.  It pays as soon as T x S scores of all heads are too many
to be kept until the backward.

With keep=True the chunks' weights stay for the backward after all, and no forward is made twice.  What is left is the
saving of a causal model: a chunk of queries computes nothing for keys that lie in its future, so that with n chunks
(n - 1) / 2n of all scores are never made.  That pays at once, and is what `tfx bench train` uses.
Source: Rabe and Staats 2021, "Self-attention Does Not Need O(n^2) Memory", sections 2 and 4.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.tiles import common_dtype, diagonal_tile, leading_axes, mask_tile, spans
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask, combine_masks
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_forward,
    check_attention_shapes,
)


class MemoryEfficientAttentionCache(NamedTuple):
    q: Array
    k: Array
    v: Array
    mask: Mask
    scale: float | None
    causal: bool
    chunk: int
    chunks: tuple[AttentionCache, ...] | None  # what each chunk's forward left, if kept


@in_float32
def memory_efficient_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    causal: bool = False,
    chunk: int = 64,
    keep: bool = False,
) -> tuple[Array, MemoryEfficientAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    scale: 1 / sqrt(D) unless told.  causal: the last query sees every key, the one before all but one, and so on.
    chunk: how many queries at a time.  keep: hold the chunks' weights until the backward.
    Raises ValueError when widths or lengths do not match or chunk is below 1, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    cache = MemoryEfficientAttentionCache(q, k, v, mask, scale, causal, chunk, None)
    kept = []
    shape = (*leading_axes(q, k, v, mask), q.shape[-2], v.shape[-1])
    out = xp_of(q).empty_like(q, dtype=common_dtype(q, k, v), shape=shape)  # in the order of q: heads merge for free
    for rows in spans(q.shape[-2], chunk, "chunk"):
        out[..., rows, :], of_chunk = _chunk_forward(rows, cache)
        if keep:
            kept.append(of_chunk)
    return out, cache._replace(chunks=tuple(kept)) if keep else cache


@in_float32
def memory_efficient_attention_backward(
    dout: Array, cache: MemoryEfficientAttentionCache
) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    q, k, v = cache.q, cache.k, cache.v
    xp, chunks = xp_of(q), spans(q.shape[-2], cache.chunk)
    if not chunks:
        return xp.zeros_like(q), xp.zeros_like(k), xp.zeros_like(v)
    dq = xp.empty_like(q)
    *earlier, last = range(len(chunks))
    dq[..., chunks[last], :], dk, dv = _chunk_backward(dout, last, chunks[last], cache)  # the last sees every key
    for number in earlier:
        dq[..., chunks[number], :], dk_part, dv_part = _chunk_backward(dout, number, chunks[number], cache)
        seen = slice(0, dk_part.shape[-2])
        dk[..., seen, :] += dk_part  # every chunk read the same keys and values
        dv[..., seen, :] += dv_part
    return dq, dk, dv


def _chunk_backward(
    dout: Array, number: int, rows: slice, cache: MemoryEfficientAttentionCache
) -> tuple[Array, Array, Array]:
    """The gradients of these queries, and their part in those of the keys and values that they saw."""
    of_chunk = _chunk_forward(rows, cache)[1] if cache.chunks is None else cache.chunks[number]
    return attention_backward(dout[..., rows, :], of_chunk)


def _chunk_forward(rows: slice, cache: MemoryEfficientAttentionCache) -> tuple[Array, AttentionCache]:
    """Exact attention of these queries; if causal, over the keys up to the last that any of them sees."""
    q, k, v, mask, scale, causal, *_ = cache
    n_keys, past = k.shape[-2], k.shape[-2] - q.shape[-2]  # the last query stands at the last key
    below = None
    if causal:
        n_keys = max(0, rows.stop + past)
        below = diagonal_tile(rows, slice(0, n_keys), past, xp_of(q))
    seen = slice(0, n_keys)
    allowed = combine_masks(mask_tile(mask, rows, seen), below)
    return attention_forward(q[..., rows, :], k[..., seen, :], v[..., seen, :], allowed, scale)

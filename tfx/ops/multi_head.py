"""Multi-head attention: h small attentions side by side instead of one wide one.

    Q = x_q W_q + b_q      K = x_kv W_k + b_k      V = x_kv W_v + b_v       (T, C), (S, C), (S, C)
    cut the width C into H heads of D = C / H:                              (T, C) -> (H, T, D)
    O_h = attention(Q_h, K_h, V_h)                                          (H, T, D)
    y = [O_1 ... O_H] W_o + b_o                                             (T, C)

Self-attention has x_kv = x_q, cross-attention reads another sequence.  The heads cost what one wide head would cost,
because the width is shared out; what they buy is H different weight matrices over the same tokens.

Derivation.  Splitting and merging only move numbers, so their backward moves them back: split undoes merge and merge
undoes split.  The rest is four linear maps and one attention, undone in reverse.  x_kv feeds both K and V, so its
gradient is a sum of two; in self-attention the caller adds dx_q and dx_kv for the same reason.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.ops.attention import AttentionCache, attention_backward, attention_forward
from tfx.ops.linear import LinearCache, linear_backward, linear_forward


class MultiHeadCache(NamedTuple):
    query: LinearCache
    key: LinearCache
    value: LinearCache
    attention: AttentionCache  # q, k, v as (..., H, T or S, D)
    output: LinearCache


class MultiHeadGrads(NamedTuple):
    dx_q: Array
    dx_kv: Array
    dw_q: Array
    dw_k: Array
    dw_v: Array
    dw_o: Array
    db_q: Array | None
    db_k: Array | None
    db_v: Array | None
    db_o: Array | None


def split_heads(x: Array, n_heads: int) -> Array:
    """x: (..., T, C) -> (..., H, T, C / H).  Raises ValueError when H does not divide C."""
    width = x.shape[-1]
    if n_heads < 1 or width % n_heads:
        raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
    return x.reshape(*x.shape[:-1], n_heads, width // n_heads).swapaxes(-2, -3)


def merge_heads(x: Array) -> Array:
    """x: (..., H, T, D) -> (..., T, H * D); undoes `split_heads`."""
    x = x.swapaxes(-2, -3)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def multi_head_attention_forward(
    x_q: Array,
    x_kv: Array,
    w_q: Array,
    w_k: Array,
    w_v: Array,
    w_o: Array,
    b_q: Array | None = None,
    b_k: Array | None = None,
    b_v: Array | None = None,
    b_o: Array | None = None,
    *,
    n_heads: int,
    mask: Array | None = None,
    dropout: Array | None = None,
) -> tuple[Array, MultiHeadCache]:
    """x_q: (..., T, C), x_kv: (..., S, C), w: (C, C), b: (C,) or None -> y: (..., T, C), cache.

    mask: boolean, True = may attend, broadcastable to (..., H, T, S): (T, S), (B, 1, 1, S) or (B, H, T, S).
    dropout: a ready multiplier for the weights, (..., H, T, S).
    Raises ValueError when widths, lengths or heads do not fit.
    """
    if mask is not None and mask.ndim == 3 and x_q.ndim == 3 and mask.shape[0] != 1:
        raise ValueError(f"is axis 0 of mask {mask.shape} batch or heads? write mask[:, None] or mask[None]")
    q, query_cache = linear_forward(x_q, w_q, b_q)
    k, key_cache = linear_forward(x_kv, w_k, b_k)
    v, value_cache = linear_forward(x_kv, w_v, b_v)
    heads, attention_cache = attention_forward(
        split_heads(q, n_heads), split_heads(k, n_heads), split_heads(v, n_heads), mask=mask, dropout=dropout
    )
    y, output_cache = linear_forward(merge_heads(heads), w_o, b_o)
    return y, MultiHeadCache(query_cache, key_cache, value_cache, attention_cache, output_cache)


def multi_head_attention_backward(dy: Array, cache: MultiHeadCache, dweights: Array | None = None) -> MultiHeadGrads:
    """dy: (..., T, C) -> the gradient of every input, by name; a bias that was None has gradient None.

    In self-attention the gradient of the one input is dx_q + dx_kv.  dweights: (..., H, T, S), where a loss reads the
    attention weights themselves.
    """
    dmerged, dw_o, db_o = linear_backward(dy, cache.output)  # y = merged @ w_o + b_o
    n_heads = cache.attention.q.shape[-3]
    dheads = split_heads(dmerged, n_heads)  # merged = merge_heads(heads)
    dq, dk, dv = attention_backward(dheads, cache.attention, dweights)
    dx_q, dw_q, db_q = linear_backward(merge_heads(dq), cache.query)  # q = split_heads(x_q @ w_q + b_q)
    dx_k, dw_k, db_k = linear_backward(merge_heads(dk), cache.key)
    dx_v, dw_v, db_v = linear_backward(merge_heads(dv), cache.value)
    dx_kv = dx_k + dx_v  # x_kv was read twice
    return MultiHeadGrads(dx_q, dx_kv, dw_q, dw_k, dw_v, dw_o, db_q, db_k, db_v, db_o)

"""One head of self-attention: a sequence asks itself.

    Q = X W_Q        K = X W_K        V = X W_V        projections of one input
    O = attention(Q, K, V)                             (scaled_dot_product.py)

multi_head.py does this for several heads at once, and mixes them with a fourth matrix.

Derivation.  Attention gives dQ, dK and dV; each projection passes its own back:

    dW_Q = X^T dQ        dW_K = X^T dK        dW_V = X^T dV
    dX = dQ W_Q^T + dK W_K^T + dV W_V^T                X was read three times, so three gradients add up

Source: Vaswani et al. 2017, "Attention Is All You Need", sections 3.2.1 and 3.2.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward


class SelfAttentionCache(NamedTuple):
    query: LinearCache
    key: LinearCache
    value: LinearCache
    attention: AttentionCache

    @property
    def weights(self) -> Array:
        """P: (..., T, T)."""
        return self.attention.weights


class SelfAttentionGrads(NamedTuple):
    dx: Array
    dw_q: Array
    dw_k: Array
    dw_v: Array


@in_float32
def self_attention_forward(
    x: Array, w_q: Array, w_k: Array, w_v: Array, mask: Mask = None, **settings: Any
) -> tuple[Array, SelfAttentionCache]:
    """x: (..., T, C), w_q, w_k: (C, D), w_v: (C, Dv) -> out: (..., T, Dv).

    mask: boolean, broadcastable to (..., T, T), True = may attend.  settings: those of `attention_forward`.
    Raises ValueError when widths do not fit.
    """
    q, query = linear_forward(x, w_q)  # (..., T, C), (C, D) -> (..., T, D)
    k, key = linear_forward(x, w_k)
    v, value = linear_forward(x, w_v)  # (..., T, Dv)
    out, attention = attention_forward(q, k, v, mask, **settings)
    return out, SelfAttentionCache(query, key, value, attention)


@in_float32
def self_attention_backward(dout: Array, cache: SelfAttentionCache) -> SelfAttentionGrads:
    """dout: (..., T, Dv) -> SelfAttentionGrads."""
    dq, dk, dv = attention_backward(dout, cache.attention)  # out = attention(q, k, v)
    dx_q, dw_q, _ = linear_backward(dq, cache.query)  # q = x w_q
    dx_k, dw_k, _ = linear_backward(dk, cache.key)  # k = x w_k
    dx_v, dw_v, _ = linear_backward(dv, cache.value)  # v = x w_v
    return SelfAttentionGrads(dx_q + dx_k + dx_v, dw_q, dw_k, dw_v)

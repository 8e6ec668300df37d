"""One head of self-attention with its three projections, forward and backward.

    Q = X W_Q     K = X W_K     V = X W_V     O = attention(Q, K, V)

Derivation.  Attention gives dQ, dK, dV; each linear map passes its own back:

    dW_Q = X^T dQ     dW_K = X^T dK     dW_V = X^T dV
    dX   = dQ W_Q^T + dK W_K^T + dV W_V^T          X was read three times, so three gradients add up
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward


class SelfAttentionCache(NamedTuple):
    query: LinearCache
    key: LinearCache
    value: LinearCache
    attention: AttentionCache


def self_attention_forward(
    x: np.ndarray, w_q: np.ndarray, w_k: np.ndarray, w_v: np.ndarray
) -> tuple[np.ndarray, SelfAttentionCache]:
    """x: (T, C), w_q, w_k: (C, D), w_v: (C, Dv) -> out: (T, Dv)."""
    q, query = linear_forward(x, w_q)
    k, key = linear_forward(x, w_k)
    v, value = linear_forward(x, w_v)
    out, attention = attention_forward(q, k, v)
    return out, SelfAttentionCache(query, key, value, attention)


def self_attention_backward(
    dout: np.ndarray, cache: SelfAttentionCache
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """dout: (T, Dv) -> dx, dw_q, dw_k, dw_v."""
    dq, dk, dv = attention_backward(dout, cache.attention)  # out = attention(q, k, v)
    dx_q, dw_q, _ = linear_backward(dq, cache.query)  # q = x @ w_q
    dx_k, dw_k, _ = linear_backward(dk, cache.key)  # k = x @ w_k
    dx_v, dw_v, _ = linear_backward(dv, cache.value)  # v = x @ w_v
    return dx_q + dx_k + dx_v, dw_q, dw_k, dw_v

"""Multi-head attention with its four maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.dropout import Dropout
from tfx.nn.linear import Linear
from tfx.ops.multi_head import (
    MultiHeadCache,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from tfx.params import Layer


class MultiHeadAttention(Layer):
    """Owns query, key, value and output: Linear(C, C) each.  Dropout acts on the attention weights.

    Raises ValueError when the heads do not divide the width.
    """

    def __init__(
        self, width: int, n_heads: int, rng: np.random.Generator, dropout: float = 0.0, dtype: Any = "float32"
    ) -> None:
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
        self.n_heads = n_heads
        self.query = Linear(width, width, rng, dtype=dtype)
        self.key = Linear(width, width, rng, dtype=dtype)
        self.value = Linear(width, width, rng, dtype=dtype)
        self.output = Linear(width, width, rng, dtype=dtype)
        self.dropout = Dropout(dropout)

    def forward(
        self, x_q: Array, x_kv: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, MultiHeadCache]:
        """x_q: (B, T, C), x_kv: (B, S, C), or None for self-attention -> y: (B, T, C).

        mask: boolean, True = may attend, broadcastable to (B, H, T, S).  cache.attention holds q, k, v and weights.
        """
        x_kv = x_q if x_kv is None else x_kv
        shape = (*x_q.shape[:-2], self.n_heads, x_q.shape[-2], x_kv.shape[-2])
        maps = (self.query, self.key, self.value, self.output)
        return multi_head_attention_forward(
            x_q,
            x_kv,
            *(m.w.value for m in maps),
            *(None if m.b is None else m.b.value for m in maps),
            n_heads=self.n_heads,
            mask=mask,
            dropout=self.dropout.multiplier(shape, rng, x_q),
        )

    def backward(self, dy: Array, cache: MultiHeadCache, dweights: Array | None = None) -> tuple[Array, Array]:
        """dy: (B, T, C) -> dx_q: (B, T, C), dx_kv: (B, S, C).  In self-attention the input's gradient is their sum.

        dweights: (B, H, T, S), the gradient of a loss that reads the attention weights themselves.
        """
        grads = multi_head_attention_backward(dy, cache, dweights)
        for layer, dw, db in (
            (self.query, grads.dw_q, grads.db_q),
            (self.key, grads.dw_k, grads.db_k),
            (self.value, grads.dw_v, grads.db_v),
            (self.output, grads.dw_o, grads.db_o),
        ):
            layer.w.grad += dw
            if layer.b is not None:
                layer.b.grad += db
        return grads.dx_q, grads.dx_kv

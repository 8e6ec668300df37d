"""The decoder block of an encoder-decoder: causal self-attention, attention over the source, feed-forward.

    pre-LN                                            post-LN (the original)
    a = self_attention(norm1(x))                      a = self_attention(x)
    r = x + dropout(a)                                r = norm1(x + dropout(a))
    c = cross_attention(norm2(r), memory)             c = cross_attention(r, memory)
    s = r + dropout(c)                                s = norm2(r + dropout(c))
    f = feed_forward(norm3(s))                        f = feed_forward(s)
    y = s + dropout(f)                                y = norm3(s + dropout(f))

`memory` is the encoder's output: the queries come from the target, the keys and values from the source.
Sources: Vaswani et al. 2017, sections 3.1 and 3.2.3; pre-LN: Xiong et al. 2020.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.dropout import Dropout
from tfx.nn.encoder_block import check_norm
from tfx.nn.feed_forward import FeedForward
from tfx.nn.layer_norm import LayerNorm
from tfx.ops.dropout import DropoutCache
from tfx.ops.feed_forward import FeedForwardCache
from tfx.ops.layer_norm import LayerNormCache
from tfx.ops.multi_head import MultiHeadCache
from tfx.params import Layer


class DecoderBlockCache(NamedTuple):
    x: Array  # the block's input: (B, T, C)
    norm1: LayerNormCache
    attention: MultiHeadCache  # self-attention
    dropout1: DropoutCache
    norm2: LayerNormCache
    cross_attention: MultiHeadCache
    dropout2: DropoutCache
    norm3: LayerNormCache
    feed_forward: FeedForwardCache
    dropout3: DropoutCache


class DecoderBlock(Layer):
    """One block.  norm: "pre" or "post"."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_ff: int,
        rng: np.random.Generator,
        norm: str = "pre",
        activation: str = "gelu",
        dropout: float = 0.0,
        dtype: Any = "float32",
    ) -> None:
        check_norm(norm)
        self.norm = norm
        self.norm1 = LayerNorm(d_model, dtype)
        self.attention = MultiHeadAttention(d_model, n_heads, rng, dropout, dtype)
        self.norm2 = LayerNorm(d_model, dtype)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, rng, dropout, dtype)
        self.norm3 = LayerNorm(d_model, dtype)
        self.feed_forward = FeedForward(d_model, d_ff, rng, activation, dtype)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, DecoderBlockCache]:
        """x: (B, T, C), memory: (B, S, C) -> y: (B, T, C).

        mask: causal (and padding), broadcastable to (B, H, T, T); memory_mask: padding of the source, (B, 1, 1, S).
        """
        forward = self._forward_pre if self.norm == "pre" else self._forward_post
        return forward(x, memory, mask, memory_mask, rng)

    def backward(self, dy: Array, cache: DecoderBlockCache) -> tuple[Array, Array]:
        """dy: (B, T, C) -> dx: (B, T, C), dmemory: (B, S, C)."""
        return self._backward_pre(dy, cache) if self.norm == "pre" else self._backward_post(dy, cache)

    def _forward_pre(
        self, x: Array, memory: Array, mask: Array | None, memory_mask: Array | None, rng: Any
    ) -> tuple[Array, DecoderBlockCache]:
        normed1, norm1 = self.norm1.forward(x)
        a, attention = self.attention.forward(normed1, mask=mask, rng=rng)
        a, dropout1 = self.dropout.forward(a, rng)
        r = x + a
        normed2, norm2 = self.norm2.forward(r)
        c, cross = self.cross_attention.forward(normed2, memory, mask=memory_mask, rng=rng)
        c, dropout2 = self.dropout.forward(c, rng)
        s = r + c
        normed3, norm3 = self.norm3.forward(s)
        f, feed_forward = self.feed_forward.forward(normed3)
        f, dropout3 = self.dropout.forward(f, rng)
        y = s + f
        return y, DecoderBlockCache(
            x, norm1, attention, dropout1, norm2, cross, dropout2, norm3, feed_forward, dropout3
        )

    def _backward_pre(self, dy: Array, cache: DecoderBlockCache) -> tuple[Array, Array]:
        df = self.dropout.backward(dy, cache.dropout3)  # y = s + dropout(f)
        dnormed3 = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(normed3)
        ds = dy + self.norm3.backward(dnormed3, cache.norm3)  # normed3 = norm3(s), and y = s + ... again
        dc = self.dropout.backward(ds, cache.dropout2)  # s = r + dropout(c)
        dnormed2, dmemory = self.cross_attention.backward(dc, cache.cross_attention)  # c = cross(normed2, memory)
        dr = ds + self.norm2.backward(dnormed2, cache.norm2)  # normed2 = norm2(r), and s = r + ... again
        da = self.dropout.backward(dr, cache.dropout1)  # r = x + dropout(a)
        dq, dkv = self.attention.backward(da, cache.attention)  # a = attention(normed1), which was query and key
        dx = dr + self.norm1.backward(dq + dkv, cache.norm1)  # normed1 = norm1(x), and r = x + ... again
        return dx, dmemory

    def _forward_post(
        self, x: Array, memory: Array, mask: Array | None, memory_mask: Array | None, rng: Any
    ) -> tuple[Array, DecoderBlockCache]:
        a, attention = self.attention.forward(x, mask=mask, rng=rng)
        a, dropout1 = self.dropout.forward(a, rng)
        r, norm1 = self.norm1.forward(x + a)
        c, cross = self.cross_attention.forward(r, memory, mask=memory_mask, rng=rng)
        c, dropout2 = self.dropout.forward(c, rng)
        s, norm2 = self.norm2.forward(r + c)
        f, feed_forward = self.feed_forward.forward(s)
        f, dropout3 = self.dropout.forward(f, rng)
        y, norm3 = self.norm3.forward(s + f)
        return y, DecoderBlockCache(
            x, norm1, attention, dropout1, norm2, cross, dropout2, norm3, feed_forward, dropout3
        )

    def _backward_post(self, dy: Array, cache: DecoderBlockCache) -> tuple[Array, Array]:
        dsum3 = self.norm3.backward(dy, cache.norm3)  # y = norm3(s + dropout(f))
        df = self.dropout.backward(dsum3, cache.dropout3)
        ds = dsum3 + self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(s), and s + ... again
        dsum2 = self.norm2.backward(ds, cache.norm2)  # s = norm2(r + dropout(c))
        dc = self.dropout.backward(dsum2, cache.dropout2)
        dq, dmemory = self.cross_attention.backward(dc, cache.cross_attention)  # c = cross_attention(r, memory)
        dr = dsum2 + dq  # r was the residual and the query
        dsum1 = self.norm1.backward(dr, cache.norm1)  # r = norm1(x + dropout(a))
        da = self.dropout.backward(dsum1, cache.dropout1)
        dq, dkv = self.attention.backward(da, cache.attention)  # a = self_attention(x)
        return dsum1 + dq + dkv, dmemory  # x was the residual, the query and the key

"""The encoder block: self-attention, then a feed-forward network, each with a residual connection and a LayerNorm.

    pre-LN                                     post-LN (the original)
    a = attention(norm1(x))                    a = attention(x)
    r = x + dropout(a)                         r = norm1(x + dropout(a))
    f = feed_forward(norm2(r))                 f = feed_forward(r)
    y = r + dropout(f)                         y = norm2(r + dropout(f))

Pre-LN leaves the path x -> r -> y free of any normalisation: gradients pass unchanged, so it trains without a long
warm-up, but the sum grows from block to block and needs one final LayerNorm after the last (in nn/stacks.py).
With a causal mask this is also the block of a decoder-only language model.
Sources: Vaswani et al. 2017, sections 3.1 and 5.4; pre-LN: Xiong et al. 2020, "On Layer Normalization in the
Transformer Architecture".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.dropout import Dropout
from tfx.nn.feed_forward import FeedForward
from tfx.nn.layer_norm import LayerNorm
from tfx.ops.dropout import DropoutCache
from tfx.ops.feed_forward import FeedForwardCache
from tfx.ops.layer_norm import LayerNormCache
from tfx.ops.multi_head import MultiHeadCache
from tfx.params import Layer

NORMS = ("pre", "post")


class EncoderBlockCache(NamedTuple):
    x: Array  # the block's input: (B, T, C)
    norm1: LayerNormCache
    attention: MultiHeadCache
    dropout1: DropoutCache
    norm2: LayerNormCache
    feed_forward: FeedForwardCache
    dropout2: DropoutCache


class EncoderBlock(Layer):
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
        self.feed_forward = FeedForward(d_model, d_ff, rng, activation, dtype)
        self.dropout = Dropout(dropout)

    def forward(self, x: Array, mask: Array | None = None, rng: Any = None) -> tuple[Array, EncoderBlockCache]:
        """x: (B, T, C), mask broadcastable to (B, H, T, T) -> y: (B, T, C).  rng: dropout, None for evaluation."""
        return self._forward_pre(x, mask, rng) if self.norm == "pre" else self._forward_post(x, mask, rng)

    def backward(self, dy: Array, cache: EncoderBlockCache, dweights: Array | None = None) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C).

        dweights: (B, H, T, T), the gradient of a loss that reads the attention weights themselves, or None.
        """
        backward = self._backward_pre if self.norm == "pre" else self._backward_post
        return backward(dy, cache, dweights)

    def _forward_pre(self, x: Array, mask: Array | None, rng: Any) -> tuple[Array, EncoderBlockCache]:
        normed1, norm1 = self.norm1.forward(x)
        a, attention = self.attention.forward(normed1, mask=mask, rng=rng)
        a, dropout1 = self.dropout.forward(a, rng)
        r = x + a
        normed2, norm2 = self.norm2.forward(r)
        f, feed_forward = self.feed_forward.forward(normed2)
        f, dropout2 = self.dropout.forward(f, rng)
        y = r + f
        return y, EncoderBlockCache(x, norm1, attention, dropout1, norm2, feed_forward, dropout2)

    def _backward_pre(self, dy: Array, cache: EncoderBlockCache, dweights: Array | None) -> Array:
        df = self.dropout.backward(dy, cache.dropout2)  # y = r + dropout(f)
        dnormed2 = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(normed2)
        dr = dy + self.norm2.backward(dnormed2, cache.norm2)  # normed2 = norm2(r), and y = r + ... again
        da = self.dropout.backward(dr, cache.dropout1)  # r = x + dropout(a)
        dq, dkv = self.attention.backward(da, cache.attention, dweights)  # a = attention(normed1): query and key
        return dr + self.norm1.backward(dq + dkv, cache.norm1)  # normed1 = norm1(x), and r = x + ... again

    def _forward_post(self, x: Array, mask: Array | None, rng: Any) -> tuple[Array, EncoderBlockCache]:
        a, attention = self.attention.forward(x, mask=mask, rng=rng)
        a, dropout1 = self.dropout.forward(a, rng)
        r, norm1 = self.norm1.forward(x + a)
        f, feed_forward = self.feed_forward.forward(r)
        f, dropout2 = self.dropout.forward(f, rng)
        y, norm2 = self.norm2.forward(r + f)
        return y, EncoderBlockCache(x, norm1, attention, dropout1, norm2, feed_forward, dropout2)

    def _backward_post(self, dy: Array, cache: EncoderBlockCache, dweights: Array | None) -> Array:
        dsum2 = self.norm2.backward(dy, cache.norm2)  # y = norm2(r + dropout(f))
        df = self.dropout.backward(dsum2, cache.dropout2)
        dr = dsum2 + self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(r), and r + ... again
        dsum1 = self.norm1.backward(dr, cache.norm1)  # r = norm1(x + dropout(a))
        da = self.dropout.backward(dsum1, cache.dropout1)
        dq, dkv = self.attention.backward(da, cache.attention, dweights)  # a = attention(x)
        return dsum1 + dq + dkv  # x was the residual, the query and the key


def check_norm(norm: str) -> None:
    """Raises ValueError unless norm is "pre" or "post"."""
    if norm not in NORMS:
        raise ValueError(f'norm must be "pre" or "post", not {norm!r}')

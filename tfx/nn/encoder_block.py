"""The encoder block: self-attention, then a feed-forward network, each with a residual connection and a norm.

    pre-LN                                     post-LN (the original)
    a = attention(norm1(x))                    a = attention(x)
    r = x + dropout(a)                         r = norm1(x + dropout(a))
    f = feed_forward(norm2(r))                 f = feed_forward(r)
    y = r + dropout(f)                         y = norm2(r + dropout(f))

Pre-LN leaves the path x -> r -> y free of any normalisation: gradients pass unchanged, so it trains without a long
warm-up, but the sum grows from block to block and needs one final norm after the last (in nn/stacks.py).  A third
placement is in nn/residual.py, together with what they share.
With a causal mask this is also the block of a decoder-only language model.
Sources: Vaswani et al. 2017, sections 3.1 and 5.4; pre-LN: Xiong et al. 2020, "On Layer Normalization in the
Transformer Architecture".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import NO_PARTS, AttentionParts, make_self_attention
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings
from tfx.nn.residual import Residual, block_norm
from tfx.ops.attention.key_value import StoredKeyValue
from tfx.ops.attention.masks import Mask
from tfx.params import Layer


class EncoderBlock(Layer):
    """One block.  parts: layers inside attention that it shares with other blocks."""

    def __init__(self, settings: BlockSettings, rng: np.random.Generator, parts: AttentionParts = NO_PARTS) -> None:
        self.residual = Residual(settings)
        self.norm1 = block_norm(settings)
        self.attention = make_self_attention(settings, rng, parts)
        self.norm2 = block_norm(settings)
        self.feed_forward = make_feed_forward(settings, rng)

    def forward(
        self, x: Array, mask: Mask = None, rng: Any = None, past: StoredKeyValue | None = None, keep: Mask = None
    ) -> tuple[Array, BlockCache]:
        """x: (B, T, C), mask broadcastable to (B, H, T, M + T) -> y: (B, T, C).

        rng: dropout, None for evaluation.  past: keys and values of M earlier tokens, from cache.attention.present.
        keep: (B, T) boolean, True = a real token; only experts ask, whom filling must not take places from.
        """
        read1, enter1 = self.residual.enter(self.norm1, x)  # (B, T, C) -> (B, T, C)
        a, attention = self.attention.forward(
            read1, mask=mask, rng=rng, past=past
        )  # (B, T, C) -> (B, T, C); weights (B, H, T, M + T)
        r, leave1 = self.residual.leave(self.norm1, x, a, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read2, enter2 = self.residual.enter(self.norm2, r)  # (B, T, C) -> (B, T, C)
        f, feed_forward = self.feed_forward.forward(read2, rng, keep)  # (B, T, C) -> (B, T, C), through (B, T, F)
        y, leave2 = self.residual.leave(self.norm2, r, f, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        return y, BlockCache(x, attention, feed_forward, (enter1, leave1, enter2, leave2))

    def backward(self, dy: Array, cache: BlockCache, dweights: Array | None = None) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C).

        dweights: (B, H, T, M + T), the gradient of a loss that reads the attention weights themselves, or None.
        """
        enter1, leave1, enter2, leave2 = cache.around
        dr, df = self.residual.leave_backward(self.norm2, dy, leave2)  # y = leave(r, f)
        dread2 = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(read2)
        dr = dr + self.residual.enter_backward(self.norm2, dread2, enter2)  # read2 = enter(r): r was used twice
        dx, da = self.residual.leave_backward(self.norm1, dr, leave1)  # r = leave(x, a)
        dread1 = self.attention.backward(da, cache.attention, dweights).dx  # a = attention(read1): query, key and value
        return dx + self.residual.enter_backward(self.norm1, dread1, enter1)  # read1 = enter(x)

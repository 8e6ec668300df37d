"""The parallel block: attention and feed-forward network read the same input and are added together.

    n = norm(x)
    y = x + dropout(attention(n)) + dropout(feed_forward(n))

The block of the 2017 paper runs one after the other.  Side by side they need one norm instead of two, and their first
matrix products can be done as one; at large sizes PaLM measured no loss of quality and about 15% more speed.

Derivation.  n feeds two branches and x the sum as well: dn = dn_attention + dn_feed_forward, dx = dy + dnorm(dn).
Sources: Wang and Komatsuzaki 2021, "GPT-J-6B"; Chowdhery et al. 2022, "PaLM", section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import NO_PARTS, AttentionParts, make_self_attention
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings
from tfx.nn.dropout import Dropout
from tfx.nn.residual import block_norm
from tfx.nn.stochastic_depth import StochasticDepth
from tfx.ops.attention.key_value import StoredKeyValue
from tfx.ops.attention.masks import Mask
from tfx.params import Layer


class ParallelBlock(Layer):
    """One block.  The norm can only stand in front ("pre").  parts: as in EncoderBlock."""

    def __init__(self, settings: BlockSettings, rng: np.random.Generator, parts: AttentionParts = NO_PARTS) -> None:
        if settings.norm_place != "pre":
            raise ValueError(
                f'a parallel block has its norm in front: norm_place must be "pre", not "{settings.norm_place}"'
            )
        self.norm = block_norm(settings)
        self.attention = make_self_attention(settings, rng, parts)
        self.feed_forward = make_feed_forward(settings, rng)
        self.dropout = Dropout(settings.dropout)
        self.path = StochasticDepth(settings.drop_path)

    def forward(
        self, x: Array, mask: Mask = None, rng: Any = None, past: StoredKeyValue | None = None, keep: Mask = None
    ) -> tuple[Array, BlockCache]:
        """x: (B, T, C), mask broadcastable to (B, H, T, M + T) -> y: (B, T, C).  As EncoderBlock.forward."""
        normed, norm = self.norm.forward(x)  # (B, T, C) -> (B, T, C)
        a, attention = self.attention.forward(
            normed, mask=mask, rng=rng, past=past
        )  # (B, T, C) -> (B, T, C); weights (B, H, T, M + T)
        a, dropout1 = self.dropout.forward(a, rng)  # (B, T, C) -> (B, T, C)
        f, feed_forward = self.feed_forward.forward(normed, rng, keep)  # (B, T, C) -> (B, T, C), through (B, T, F)
        f, dropout2 = self.dropout.forward(f, rng)  # (B, T, C) -> (B, T, C)
        branch, path = self.path.forward(a + f, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        return x + branch, BlockCache(x, attention, feed_forward, (norm, dropout1, dropout2, path))

    def backward(self, dy: Array, cache: BlockCache, dweights: Array | None = None) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C).  dweights: as EncoderBlock.backward."""
        norm, dropout1, dropout2, path = cache.around
        dbranch = self.path.backward(dy, path)  # y = x + path(a + f)
        df = self.dropout.backward(dbranch, dropout2)
        dnormed = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(normed)
        da = self.dropout.backward(dbranch, dropout1)
        dnormed = dnormed + self.attention.backward(da, cache.attention, dweights).dx  # a = attention(normed)
        return dy + self.norm.backward(dnormed, norm)  # normed = norm(x), and y = x + ... again

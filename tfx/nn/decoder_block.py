"""The decoder block of an encoder-decoder: causal self-attention, attention over the source, feed-forward.

    pre-LN                                            post-LN (the original)
    a = self_attention(norm1(x))                      a = self_attention(x)
    r = x + dropout(a)                                r = norm1(x + dropout(a))
    c = cross_attention(norm2(r), memory)             c = cross_attention(r, memory)
    s = r + dropout(c)                                s = norm2(r + dropout(c))
    f = feed_forward(norm3(s))                        f = feed_forward(s)
    y = s + dropout(f)                                y = norm3(s + dropout(f))

`memory` is the encoder's output: the queries come from the target, the keys and values from the source.
Sources: Vaswani et al. 2017, sections 3.1 and 3.2.3; pre-LN: Xiong et al. 2020; placements: nn/residual.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import NO_PARTS, AttentionParts, make_cross_attention, make_self_attention
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings
from tfx.nn.residual import Residual, block_norm
from tfx.ops.attention.key_value import StoredKeyValue
from tfx.ops.attention.masks import Mask
from tfx.params import Layer


class DecoderBlock(Layer):
    """One block.

    `settings.attention` belongs to the self-attention; of it, the cross-attention takes over what has nothing to do
    with places.  parts: layers inside the self-attention that it shares with other blocks.
    """

    def __init__(self, settings: BlockSettings, rng: np.random.Generator, parts: AttentionParts = NO_PARTS) -> None:
        if settings.parallel:
            raise ValueError("a block that reads a memory has no parallel form")
        self.residual = Residual(settings)
        self.norm1 = block_norm(settings)
        self.attention = make_self_attention(settings, rng, parts)
        self.norm2 = block_norm(settings)
        self.cross_attention = make_cross_attention(settings, rng)
        self.norm3 = block_norm(settings)
        self.feed_forward = make_feed_forward(settings, rng)

    def forward(
        self,
        x: Array,
        memory: Array,
        mask: Mask = None,
        memory_mask: Mask = None,
        rng: Any = None,
        past: StoredKeyValue | None = None,
        memory_past: StoredKeyValue | None = None,
        keep: Mask = None,
    ) -> tuple[Array, BlockCache]:
        """x: (B, T, C), memory: (B, S, C) -> y: (B, T, C).

        mask: causal (and padding), broadcastable to (B, H, T, M + T); memory_mask: padding of the source, (B, 1, 1, S).
        past: keys and values of the self-attention for M earlier tokens, from cache.attention.present.
        memory_past: keys and values of the S memory tokens, from cache.cross_attention.present of an earlier call, so
        that they are not made again; memory is then (B, 0, C), and memory_mask covers what memory_past holds.
        keep: (B, T), as EncoderBlock.forward.
        """
        read1, enter1 = self.residual.enter(self.norm1, x)  # (B, T, C) -> (B, T, C)
        a, attention = self.attention.forward(
            read1, mask=mask, rng=rng, past=past
        )  # (B, T, C) -> (B, T, C); weights (B, H, T, M + T)
        r, leave1 = self.residual.leave(self.norm1, x, a, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read2, enter2 = self.residual.enter(self.norm2, r)  # (B, T, C) -> (B, T, C)
        c, cross_attention = self.cross_attention.forward(
            read2, memory, mask=memory_mask, rng=rng, past=memory_past
        )  # (B, T, C), (B, S, C) -> (B, T, C); weights (B, H, T, S)
        s, leave2 = self.residual.leave(self.norm2, r, c, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read3, enter3 = self.residual.enter(self.norm3, s)  # (B, T, C) -> (B, T, C)
        f, feed_forward = self.feed_forward.forward(read3, rng, keep)  # (B, T, C) -> (B, T, C), through (B, T, F)
        y, leave3 = self.residual.leave(self.norm3, s, f, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        around = (enter1, leave1, enter2, leave2, enter3, leave3)
        return y, BlockCache(x, attention, feed_forward, around, cross_attention)

    def backward(self, dy: Array, cache: BlockCache) -> tuple[Array, Array]:
        """dy: (B, T, C) -> dx: (B, T, C), dmemory: (B, S, C)."""
        enter1, leave1, enter2, leave2, enter3, leave3 = cache.around
        ds, df = self.residual.leave_backward(self.norm3, dy, leave3)  # y = leave(s, f)
        dread3 = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(read3)
        ds = ds + self.residual.enter_backward(self.norm3, dread3, enter3)  # read3 = enter(s): s was used twice
        dr, dc = self.residual.leave_backward(self.norm2, ds, leave2)  # s = leave(r, c)
        cross = self.cross_attention.backward(dc, cache.cross_attention)  # c = cross_attention(read2, memory)
        dr = dr + self.residual.enter_backward(self.norm2, cross.dx_q, enter2)  # read2 = enter(r)
        dx, da = self.residual.leave_backward(self.norm1, dr, leave1)  # r = leave(x, a)
        dread1 = self.attention.backward(da, cache.attention).dx  # a = attention(read1): query, key and value
        dx = dx + self.residual.enter_backward(self.norm1, dread1, enter1)  # read1 = enter(x)
        return dx, cross.dx_kv

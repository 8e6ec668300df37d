"""The decoder block of a non-autoregressive Transformer: four sub-layers, and no token waits for another.

    a = self_attention(x)                       to every place but its own, future included
    p = positional_attention(P, P, r)           queries and keys are the position table P, values the states r
    c = cross_attention(s, memory)              over the source
    f = feed_forward(u)                         each with its residual and norm, see nn/residual.py

A block that writes left to right gets the order of words for free, because each token is written after the last.  Here
the order has to come out of attention, and the positional sub-layer offers what it needs: attention from place to place
that does not look at content.  P is constant, so its gradient stops at the query and key maps.
Source: Gu et al. 2018, "Non-Autoregressive Neural Machine Translation", section 3.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.attention import make_cross_attention
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings
from tfx.nn.residual import Residual, block_norm
from tfx.ops.attention.masks import Mask, combine_masks
from tfx.ops.positions.positions import sinusoidal_positions
from tfx.params import Layer


class NonAutoregressiveBlock(Layer):
    """One block.  Its three attentions are exact: no kernel stands in for them."""

    def __init__(self, settings: BlockSettings, rng: np.random.Generator) -> None:
        self.residual = Residual(settings)
        self.norm1 = block_norm(settings)
        self.attention = make_cross_attention(settings, rng)
        self.norm2 = block_norm(settings)
        self.positional_attention = make_cross_attention(settings, rng)
        self.norm3 = block_norm(settings)
        self.cross_attention = make_cross_attention(settings, rng)
        self.norm4 = block_norm(settings)
        self.feed_forward = make_feed_forward(settings, rng)

    def forward(
        self, x: Array, memory: Array, mask: Mask = None, memory_mask: Mask = None, rng: Any = None
    ) -> tuple[Array, BlockCache]:
        """x: (B, T, C), memory: (B, S, C) -> y: (B, T, C).

        mask: padding of the target, (B, 1, 1, T); memory_mask: padding of the source, (B, 1, 1, S).
        """
        xp, length = xp_of(x), x.shape[-2]
        others = combine_masks(~xp.eye(length, dtype=bool), mask)  # (T, T), (B, 1, 1, T) -> (B, 1, T, T)
        read1, enter1 = self.residual.enter(self.norm1, x)  # (B, T, C) -> (B, T, C)
        a, attention = self.attention.forward(read1, mask=others, rng=rng)  # (B, T, C) -> (B, T, C)
        r, leave1 = self.residual.leave(self.norm1, x, a, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read2, enter2 = self.residual.enter(self.norm2, r)  # (B, T, C) -> (B, T, C)
        table = sinusoidal_positions(length, x.shape[-1], dtype=x.dtype, xp=xp)  # -> (T, C)
        table = xp.broadcast_to(table, x.shape)  # (T, C) -> (B, T, C)
        p, positional = self.positional_attention.forward(table, table, mask, rng, x_v=read2)  # (B, T, C) -> (B, T, C)
        s, leave2 = self.residual.leave(self.norm2, r, p, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read3, enter3 = self.residual.enter(self.norm3, s)  # (B, T, C) -> (B, T, C)
        c, cross = self.cross_attention.forward(
            read3, memory, mask=memory_mask, rng=rng
        )  # (B, T, C), (B, S, C) -> (B, T, C)
        u, leave3 = self.residual.leave(self.norm3, s, c, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read4, enter4 = self.residual.enter(self.norm4, u)  # (B, T, C) -> (B, T, C)
        f, feed_forward = self.feed_forward.forward(read4, rng)  # (B, T, C) -> (B, T, C), through (B, T, F)
        y, leave4 = self.residual.leave(self.norm4, u, f, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        around = (enter1, leave1, enter2, leave2, enter3, leave3, enter4, leave4)
        return y, BlockCache(x, attention, feed_forward, around, cross, positional)

    def backward(self, dy: Array, cache: BlockCache) -> tuple[Array, Array]:
        """dy: (B, T, C) -> dx: (B, T, C), dmemory: (B, S, C)."""
        enter1, leave1, enter2, leave2, enter3, leave3, enter4, leave4 = cache.around
        du, df = self.residual.leave_backward(self.norm4, dy, leave4)  # y = leave(u, f)
        dread4 = self.feed_forward.backward(df, cache.feed_forward)  # f = feed_forward(read4)
        du = du + self.residual.enter_backward(self.norm4, dread4, enter4)  # read4 = enter(u): u was used twice
        ds, dc = self.residual.leave_backward(self.norm3, du, leave3)  # u = leave(s, c)
        cross = self.cross_attention.backward(dc, cache.cross_attention)  # c = cross_attention(read3, memory)
        ds = ds + self.residual.enter_backward(self.norm3, cross.dx_q, enter3)  # read3 = enter(s)
        dr, dp = self.residual.leave_backward(self.norm2, ds, leave2)  # s = leave(r, p)
        dread2 = self.positional_attention.backward(dp, cache.positional_attention).dx_v  # p: read2 was the value only
        dr = dr + self.residual.enter_backward(self.norm2, dread2, enter2)  # read2 = enter(r)
        dx, da = self.residual.leave_backward(self.norm1, dr, leave1)  # r = leave(x, a)
        dread1 = self.attention.backward(da, cache.attention).dx  # a = attention(read1): query, key and value
        dx = dx + self.residual.enter_backward(self.norm1, dread1, enter1)  # read1 = enter(x)
        return dx, cross.dx_kv

"""Funnel-Transformer: the sequence gets shorter on its way up, and, where every place counts, long again at the end.

    q = pool(x)                                       the mean of every s neighbours              (T, C) -> (T / s, C)
    r = norm1(q + attention(queries: q, keys and values: x))                                      post-LN
    y = norm2(r + feed_forward(r))

Only the queries are pooled: each short place decides by attention what it takes from all the long ones, and the mean is
just where it starts.  A stack has stages; every stage but the first begins with such a block, and goes on with plain
ones.  For tasks with an answer at each place, the short result is repeated and added to what the first stage gave,
which still knows the details:

    long = hidden_1 + repeat(hidden_last)             then a few plain blocks: the decoder

Derivation.  x is used three times, for the mean, for keys and for values; pooling and repeating are linear and almost
each other's transposes (ops/basics/mean_pool.py).  hidden_1 is used twice in a stack with a decoder.

Exact: a stride of 1 is the encoder block.  Cost: a stage at 1 / s of the length needs 1 / s of the feed-forward
arithmetic and 1 / s^2 of the scores, a pooling block 1 / s of the scores of a plain one; it pays from the first stage
on, and the saving is spent on more layers.
Source: Dai, Lai, Yang and Le 2020, "Funnel-Transformer: Filtering out Sequential Redundancy for Efficient Language
Processing", sections 2.2 (pool-query-only, equations 1 and 2) and 2.3 (decoder, equation 5).  Their class token, which
is never pooled, and their relative positions are left to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.nn.attention import make_cross_attention
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.residual import Residual, block_norm
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.mean_pool import (
    RepeatPlacesCache,
    check_stride,
    mean_pool_backward,
    mean_pool_forward,
    pooled_keep,
    repeat_places_backward,
    repeat_places_forward,
)
from tfx.params import Layer


class FunnelStackCache(NamedTuple):
    stages: tuple[tuple[Any, ...], ...]
    repeat: RepeatPlacesCache | None
    decoder: tuple[BlockCache, ...]


@dataclass(frozen=True)
class FunnelSettings(BlockSettings):
    """stride: how many places become one.  norm_place: "post" in the paper."""

    _: KW_ONLY
    norm_place: str = "post"
    stride: int = 2

    def check(self) -> None:
        super().check()
        check_stride(self.stride)


class FunnelBlock(Layer):
    """An encoder block whose queries, and whose result, are `stride` times shorter."""

    def __init__(self, settings: FunnelSettings, rng: np.random.Generator) -> None:
        self.stride = settings.stride
        self.residual = Residual(settings)
        self.norm1 = block_norm(settings)
        self.attention = make_cross_attention(settings, rng)
        self.norm2 = block_norm(settings)
        self.feed_forward = make_feed_forward(settings, rng)

    def forward(self, x: Array, mask: Mask = None, rng: Any = None, keep: Mask = None) -> tuple[Array, BlockCache]:
        """x: (B, T, C) -> y: (B, ceil(T / stride), C).

        mask: boolean, True = may attend, broadcastable to (B, H, ceil(T / stride), T).  keep: (B, T) bool, True = a
        real token; the others are in no mean.  rng: dropout.  The weights in the cache are (B, H, ceil(T / stride), T).
        """
        read1, enter1 = self.residual.enter(self.norm1, x)  # (B, T, C) -> (B, T, C)
        q, _ = mean_pool_forward(read1, self.stride, keep)  # (B, T, C) -> (B, T / s, C)
        a, attention = self.attention.forward(q, read1, mask, rng)  # (B, T / s, C), (B, T, C) -> (B, T / s, C)
        short, pool = mean_pool_forward(x, self.stride, keep)  # (B, T, C) -> (B, T / s, C)
        r, leave1 = self.residual.leave(self.norm1, short, a, rng)  # (B, T / s, C) -> (B, T / s, C)
        read2, enter2 = self.residual.enter(self.norm2, r)  # (B, T / s, C) -> (B, T / s, C)
        f, feed_forward = self.feed_forward.forward(read2, rng)  # (B, T / s, C) -> (B, T / s, C)
        y, leave2 = self.residual.leave(self.norm2, r, f, rng)  # (B, T / s, C) -> (B, T / s, C)
        return y, BlockCache(x, attention, feed_forward, (enter1, pool, leave1, enter2, leave2))

    def backward(self, dy: Array, cache: BlockCache) -> Array:
        """dy: (B, ceil(T / stride), C) -> dx: (B, T, C)."""
        enter1, pool, leave1, enter2, leave2 = cache.around
        dr, df = self.residual.leave_backward(self.norm2, dy, leave2)  # y = leave(r, f)
        dread2 = self.feed_forward.backward(df, cache.feed_forward)
        dr = dr + self.residual.enter_backward(self.norm2, dread2, enter2)
        dshort, da = self.residual.leave_backward(self.norm1, dr, leave1)  # r = leave(short, a)
        grads = self.attention.backward(da, cache.attention)  # a = attention(pool(read1), read1)
        dread1 = mean_pool_backward(grads.dx_q, pool) + grads.dx_kv
        dx = mean_pool_backward(dshort, pool)  # short = pool(x)
        return dx + self.residual.enter_backward(self.norm1, dread1, enter1)


class FunnelStack(Layer):
    """layers: the number of blocks of each stage; n_decoder: blocks at full length behind them.

    n_decoder=None: no way back, the result stays short; 0: repeated and added, no further block.
    Raises ValueError for a stage without blocks.
    """

    def __init__(
        self,
        layers: Sequence[int],
        settings: FunnelSettings,
        rng: np.random.Generator,
        n_decoder: int | None = None,
    ) -> None:
        if not isinstance(layers, Sequence):
            raise TypeError(f"layers must be a number of blocks for each stage, not {layers!r}")
        if n_decoder is not None:
            whole_number("n_decoder", n_decoder, 0)
        if not layers or min(whole_number("a stage", depth) for depth in layers) < 1:
            raise ValueError(f"every stage needs at least one block, not {tuple(layers)}")
        self.stride, self.n_decoder = settings.stride, n_decoder
        self.stages: list[list[Any]] = []
        for depth in layers:
            first = FunnelBlock(settings, rng) if self.stages else EncoderBlock(settings, rng)
            self.stages.append([first, *(EncoderBlock(settings, rng) for _ in range(depth - 1))])
        self.decoder = [EncoderBlock(settings, rng) for _ in range(n_decoder or 0)]

    def forward(self, x: Array, keep: Array | None = None, rng: Any = None) -> tuple[Array, FunnelStackCache]:
        """x: (B, T, C) -> y: (B, T, C), or (B, about T / stride^(n - 1), C) without a decoder.

        keep: (B, T) bool, True = a real token.  A pooled place is the mean of its real ones, and real when it has any.
        """
        length, first = x.shape[-2], x
        mask = real = None if keep is None else keep[:, None, None, :]
        stages = []
        for i, stage in enumerate(self.stages):
            given: list[tuple[Any, ...]] = [(mask, rng)] * len(stage)
            if i and keep is not None:  # the first block still reads the longer sequence
                given[0] = (mask, rng, keep)
                keep = pooled_keep(keep, self.stride)
                mask = keep[:, None, None, :]
                given[1:] = [(mask, rng)] * (len(stage) - 1)
            x, caches = forward_through(stage, x, given)
            stages.append(caches)
            first = x if i == 0 else first
        if self.n_decoder is None:
            return x, FunnelStackCache(tuple(stages), None, ())
        long, repeat = repeat_places_forward(x, self.stride ** (len(self.stages) - 1), length)
        x, decoder = forward_through(self.decoder, first + long, ((real, rng) for _ in self.decoder))
        return x, FunnelStackCache(tuple(stages), repeat, decoder)

    def backward(self, dy: Array, cache: FunnelStackCache) -> Array:
        """dy: shape of y -> dx: (B, T, C)."""
        dy = backward_through(self.decoder, dy, cache.decoder)
        dfirst = None
        if cache.repeat is not None:  # x = first + repeat(last)
            dfirst, dy = dy, repeat_places_backward(dy, cache.repeat)
        for i in reversed(range(len(self.stages))):
            if i == 0 and dfirst is not None:
                dy = dy + dfirst  # the first stage was read by the second and by the decoder
            dy = backward_through(self.stages[i], dy, cache.stages[i])
        return dy

"""Segment memory of Transformer-XL: a long text is read in segments, and each layer remembers what it read before.

    memory_l   what layer l read in the last M places, before this segment                     (B, M, C)
    a_l = attention_l(queries: x_l, keys and values: [stop(memory_l); x_l])                    relative, causal
    memory_l'  the last M places of [memory_l; x_l], for the next segment

A place reads M places back and every layer adds as much again: after L layers the reach is L M places, although no
segment is read twice.  Positions are relative (ops/attention/transformer_xl.py), because a place in the memory would
have another absolute number in every segment.

Derivation.  Inside a segment, nothing new.  The memory counts as a constant: the paper stops the gradient there, so
backward drops what the attention sends back to it, and no segment has to be kept for the next one.  It is not the
gradient of the whole text, but that of one segment given its memory; the forward is exact.

Exact: reading in segments of any length equals one pass over the whole text under `segment_memory_mask`, and with M as
long as the text, under the causal mask.  Cost: a segment of T takes O(T (T + M) C), a text of n tokens O(n (T + M) C)
instead of O(n^2 C); when single tokens are generated nothing is read again.
Source: Dai et al. 2019, "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context", section 3.2.
With pre-LN the memory holds what the attention read, behind the norm: the norm of each place is the same either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import PlainBlockSettings
from tfx.nn.relative_attention import RelativeAttention, RelativeAttentionCache
from tfx.nn.residual import LeaveCache, Residual, block_norm
from tfx.nn.settings import size
from tfx.nn.stacks import make_final_norm
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.params import Layer


class SegmentMemoryBlockCache(NamedTuple):
    read: Array  # what the attention read of this segment: (B, T, C)
    enter1: Any
    attention: RelativeAttentionCache
    leave1: LeaveCache
    enter2: Any
    feed_forward: Any
    leave2: LeaveCache


class SegmentMemoryStackCache(NamedTuple):
    blocks: tuple[SegmentMemoryBlockCache, ...]
    norm: Any
    memory: tuple[Array, ...]  # for the next segment, one (B, up to M, C) a block

    @property
    def reads(self) -> tuple[Array, ...]:
        """What each block read of this segment, (B, T, C)."""
        return tuple(block.read for block in self.blocks)


@dataclass(frozen=True)
class SegmentMemorySettings(PlainBlockSettings):
    """n_memory: M, places that each layer remembers.  norm_place: "post" in the paper.

    final_norm: one after the last block; None: where the blocks do not end with one.
    """

    n_layers: int = size(2, 0)
    n_memory: int = size(32, 0)
    _: KW_ONLY
    norm_place: str = "post"
    activation: str = "relu"
    final_norm: bool | None = None


class SegmentMemoryBlock(Layer):
    """Relative attention over memory and segment, then a feed-forward network."""

    def __init__(self, settings: PlainBlockSettings, rng: np.random.Generator) -> None:
        sizes = (settings.d_model, settings.n_heads, rng)
        self.residual = Residual(settings)
        self.norm1 = block_norm(settings)
        self.attention = RelativeAttention(*sizes, causal=True, dropout=settings.dropout, dtype=settings.dtype)
        self.norm2 = block_norm(settings)
        self.feed_forward = make_feed_forward(settings, rng)

    def forward(
        self, x: Array, memory: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, SegmentMemoryBlockCache]:
        """x: (B, T, C), memory: (B, M, C), a constant -> y: (B, T, C).

        mask: boolean, True = may attend, broadcastable to (B, H, T, M + T), on top of the causal one.
        """
        read1, enter1 = self.residual.enter(self.norm1, x)  # (B, T, C) -> (B, T, C)
        a, attention = self.attention.forward(
            read1, memory, mask, rng
        )  # (B, T, C), (B, M, C) -> (B, T, C); weights (B, H, T, M + T)
        r, leave1 = self.residual.leave(self.norm1, x, a, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        read2, enter2 = self.residual.enter(self.norm2, r)  # (B, T, C) -> (B, T, C)
        f, feed_forward = self.feed_forward.forward(read2)  # (B, T, C) -> (B, T, C), through (B, T, F)
        y, leave2 = self.residual.leave(self.norm2, r, f, rng)  # (B, T, C), (B, T, C) -> (B, T, C)
        return y, SegmentMemoryBlockCache(read1, enter1, attention, leave1, enter2, feed_forward, leave2)

    def backward(self, dy: Array, cache: SegmentMemoryBlockCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C).  The gradient of the memory is dropped."""
        dr, df = self.residual.leave_backward(self.norm2, dy, cache.leave2)  # y = leave(r, f)
        dread2 = self.feed_forward.backward(df, cache.feed_forward)
        dr = dr + self.residual.enter_backward(self.norm2, dread2, cache.enter2)
        dx, da = self.residual.leave_backward(self.norm1, dr, cache.leave1)  # r = leave(x, a)
        dread1 = self.attention.backward(da, cache.attention).dx  # .dmemory stops here
        return dx + self.residual.enter_backward(self.norm1, dread1, cache.enter1)


class SegmentMemoryStack(Layer):
    """n_layers blocks, each with a memory of n_memory places (M)."""

    def __init__(self, settings: SegmentMemorySettings, rng: np.random.Generator) -> None:
        self.n_memory = settings.n_memory
        self.blocks = [SegmentMemoryBlock(settings, rng) for _ in range(settings.n_layers)]
        self.norm = make_final_norm(settings, settings.final_norm)

    def forward(
        self, x: Array, memory: Sequence[Array] | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, SegmentMemoryStackCache]:
        """x: (B, T, C) -> y: (B, T, C).  memory: cache.memory of the segment before; None at the start of a text.

        mask: as in the block.  Raises ValueError when there are not as many memories as blocks.
        """
        if memory is not None and len(memory) != len(self.blocks):
            raise ValueError(f"{len(memory)} memories do not fit {len(self.blocks)} blocks")
        each = [None] * len(self.blocks) if memory is None else memory
        x, caches = forward_through(self.blocks, x, ((old, mask, rng) for old in each))
        remembered = (last_places(old, cache.read, self.n_memory) for old, cache in zip(each, caches, strict=True))
        norm_cache = None
        if self.norm is not None:
            x, norm_cache = self.norm.forward(x)
        return x, SegmentMemoryStackCache(caches, norm_cache, tuple(remembered))

    def backward(self, dy: Array, cache: SegmentMemoryStackCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C), with the memory as a constant."""
        dx = dy if self.norm is None else self.norm.backward(dy, cache.norm)
        return backward_through(self.blocks, dx, cache.blocks)


def last_places(memory: Array | None, read: Array, n_memory: int) -> Array:
    """The last n_memory places of [memory; read], (B, up to M, C): a copy, so that the segment itself can go."""
    whole_number("n_memory", n_memory, 0)
    if memory is not None and (memory.shape[:-2], memory.shape[-1:]) != (read.shape[:-2], read.shape[-1:]):
        raise ValueError(f"memory {memory.shape} does not fit what was read, {read.shape}: only lengths may differ")
    both = read if memory is None else xp_of(read).concatenate((memory, read), axis=-2)
    return both[..., max(both.shape[-2] - n_memory, 0) :, :].copy()


def segment_memory_mask(n_tokens: int, segment: int, n_memory: int, xp: Any = np) -> Array:
    """-> (T, T) bool: who reads whom when T tokens are read in segments of that length, with M places of memory.

    Raises ValueError for a segment below 1.
    """
    for name, given, least in (("n_tokens", n_tokens, 0), ("segment", segment, 1), ("n_memory", n_memory, 0)):
        whole_number(name, given, least)
    places = xp.arange(n_tokens)
    first = places // segment * segment - n_memory  # the oldest place that a segment remembers
    return (places[None, :] <= places[:, None]) & (places[None, :] >= first[:, None])

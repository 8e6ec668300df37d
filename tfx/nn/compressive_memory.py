"""Compressive memory: what falls out of the segment memory is kept, c places squeezed into one.

    recent       the last M places, as they were read                      as in nn/segment_memory.py
    compressed   the last K squeezed places before those                   each stands for c places: K c in all
    a layer reads [compressed; recent; segment]

When a segment comes in, recent grows by it, and what is too old for M goes on, in groups of c places:

    squeezed = mean of the c places             "mean"
    squeezed = [x_1 ... x_c] W + b              "convolution": kernel and stride c, learned

The reach is L (M + c K) places with M + K keys.

Derivation.  Memory is a constant for the model's loss (see nn/segment_memory.py), so W learns from a loss of its own,
`reconstruction`: the attention over the squeezed places should give what the attention over the old ones gave
(ops/attention/attention_reconstruction.py).  Its backward goes through the maps of keys and values, whose own gradient
the paper stops, to W and b, and no further.
Source: Rae et al. 2020, "Compressive Transformers for Long-Range Sequence Modelling", sections 3.1 and 3.2, algorithms
1 and 2.  Their memories start as zeros of full size; these start empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.linear import Linear
from tfx.nn.relative_attention import RelativeAttention
from tfx.nn.segment_memory import SegmentMemorySettings, SegmentMemoryStack
from tfx.ops.attention.attention_reconstruction import (
    AttentionReconstructionCache,
    attention_reconstruction_backward,
    attention_reconstruction_forward,
)
from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.basics.linear import LinearCache, linear_backward
from tfx.ops.basics.mean_pool import mean_pool_forward
from tfx.params import Layer

COMPRESSIONS = ("mean", "convolution")


class CompressiveState(NamedTuple):
    """One array for each block: recent (B, M, C) and compressed (B, K, C), both shorter at the start of a text."""

    recent: tuple[Array, ...]
    compressed: tuple[Array, ...]

    @property
    def memory(self) -> tuple[Array, ...]:
        """What SegmentMemoryStack.forward takes: (B, K + M, C) for each block, the oldest first."""
        pairs = zip(self.compressed, self.recent, strict=True)
        return tuple(xp_of(new).concatenate((old, new), axis=-2) for old, new in pairs)


class CompressionCache(NamedTuple):
    old: Array  # what fell out: (B, n c, C)
    new: Array  # what it was squeezed to: (B, n, C)
    linear: LinearCache | None


class ReconstructionCache(NamedTuple):
    keys: LinearCache
    values: LinearCache
    attention: AttentionReconstructionCache
    linear: LinearCache | None


class CompressiveMemory(Layer):
    """Owns, for "convolution", maps: one Linear(c C, C) for each block; nothing for "mean".

    settings: those of the stack whose memory it is, with n_memory M; n_compressed: K; rate: c.
    Raises ValueError for another compression or sizes that make no sense.
    """

    def __init__(
        self,
        settings: SegmentMemorySettings,
        n_compressed: int,
        rate: int,
        rng: np.random.Generator,
        compression: str = "convolution",
    ) -> None:
        if compression not in COMPRESSIONS:
            raise ValueError(f"compression must be one of {', '.join(COMPRESSIONS)}, not {compression!r}")
        whole_number("n_compressed", n_compressed, 0)
        whole_number("rate", rate, 1)
        self.n_layers, self.n_memory = settings.n_layers, settings.n_memory
        self.n_compressed, self.rate = n_compressed, rate
        n_maps, width = self.n_layers if compression == "convolution" else 0, settings.d_model
        self.maps = [Linear(rate * width, width, rng, dtype=settings.dtype) for _ in range(n_maps)]

    def push(
        self, state: CompressiveState | None, reads: Sequence[Array]
    ) -> tuple[CompressiveState, tuple[CompressionCache | None, ...]]:
        """What each block read of a segment, (B, T, C) -> the next state, and what was squeezed, if anything was.

        reads: cache.reads of the stack.  state: None at the start of a text.
        Raises ValueError unless there is one of reads for each block.
        """
        if len(reads) != self.n_layers:
            raise ValueError(f"{len(reads)} blocks were read but this is the memory of {self.n_layers}")
        recent, compressed, caches = [], [], []
        for i, read in enumerate(reads):
            kept = read[..., :0, :] if state is None else state.compressed[i]
            both = read if state is None else xp_of(read).concatenate((state.recent[i], read), axis=-2)
            n_old = max(both.shape[-2] - self.n_memory, 0) // self.rate * self.rate  # whole groups only
            old, cache = both[..., :n_old, :], None
            if n_old:
                new, linear = self.compress(i, old)
                kept = xp_of(read).concatenate((kept, new), axis=-2)
                cache = CompressionCache(old, new, linear)
            recent.append(both[..., n_old:, :].copy())
            compressed.append(kept[..., max(kept.shape[-2] - self.n_compressed, 0) :, :])
            caches.append(cache)
        return CompressiveState(tuple(recent), tuple(compressed)), tuple(caches)

    def compress(self, block: int, old: Array) -> tuple[Array, LinearCache | None]:
        """old: (B, n c, C) -> (B, n, C), with the map of this block.  Raises ValueError for no such block or length."""
        if not 0 <= block < self.n_layers:
            raise ValueError(f"there is no block {block} of {self.n_layers}")
        if old.shape[-2] % self.rate:
            raise ValueError(f"{old.shape[-2]} places cannot be squeezed in groups of {self.rate}")
        if not self.maps:
            return mean_pool_forward(old, self.rate)[0], None
        *lead, length, width = old.shape
        return self.maps[block].forward(old.reshape(*lead, length // self.rate, self.rate * width))

    def reconstruction(
        self, stack: SegmentMemoryStack, reads: Sequence[Array], squeezed: Sequence[CompressionCache | None]
    ) -> tuple[Array, tuple[ReconstructionCache | None, ...]]:
        """The loss of each block, added up: how differently the segment's queries see the old and squeezed places.

        reads, squeezed: from the stack and from `push`.  Contents only: distances play no part.
        """
        loss: Array = 0.0
        caches: list[ReconstructionCache | None] = []
        for block, read, compression in zip(stack.blocks, reads, squeezed, strict=True):
            if compression is None:
                caches.append(None)
                continue
            attention = block.attention
            q, _ = _heads(attention, attention.query, read)
            (old_k, _), (old_v, _) = (_heads(attention, m, compression.old) for m in (attention.key, attention.value))
            (k, keys), (v, values) = (_heads(attention, m, compression.new) for m in (attention.key, attention.value))
            one, cache = attention_reconstruction_forward(k, v, q, old_k, old_v)
            loss = loss + one
            caches.append(ReconstructionCache(keys, values, cache, compression.linear))
        return loss, tuple(caches)

    def backward(self, dloss: Array | float, caches: Sequence[ReconstructionCache | None]) -> None:
        """dloss: () of `reconstruction`.  Adds to the gradients of the maps, and of nothing else."""
        for linear, cache in zip(self.maps, caches, strict=bool(self.maps)):
            if cache is None or cache.linear is None:
                continue
            grads = attention_reconstruction_backward(dloss, cache.attention)
            dnew, _, _ = linear_backward(merge_heads(grads.dnew_k), cache.keys)  # the map of keys is a constant here
            dnew = dnew + linear_backward(merge_heads(grads.dnew_v), cache.values)[0]
            linear.backward(dnew, cache.linear)  # new = linear(old), and old is a constant


def _heads(attention: RelativeAttention, linear: Linear, x: Array) -> tuple[Array, LinearCache]:
    y, cache = linear.forward(x)
    return split_heads(y, attention.n_heads), cache

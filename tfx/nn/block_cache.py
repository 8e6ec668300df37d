"""What a block of attention and feed-forward network keeps of its forward: one record for all such blocks."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.ops.attention.multi_head import MultiHeadCache


class BlockCache(NamedTuple):
    x: Array  # the block's input: (B, T, C)
    attention: MultiHeadCache
    feed_forward: Any
    around: tuple[Any, ...]  # what norms, dropout and sums keep, in the order in which forward met them
    cross_attention: Any = None  # a MultiHeadCache in blocks that read a memory
    positional_attention: Any = None  # and in those that do not write from left to right

    @property
    def weights(self) -> Array:
        """(B, H, T, M + T), who attended to whom.  Raises AttributeError for a kernel, which shows none."""
        return self.attention.weights

    @property
    def cross_weights(self) -> Array:
        """(B, H, T, S), how much each target token read of each source token."""
        return self.cross_attention.weights

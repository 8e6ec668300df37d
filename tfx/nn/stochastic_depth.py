"""Layers that leave out residual branches (stochastic depth) and whole blocks (LayerDrop) while training.

Both draw from the rng that forward is given; no rng means evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.ops.basics.dropout import DropoutCache, dropout_backward, dropout_forward
from tfx.ops.basics.stochastic_depth import branch_multiplier, layers_left_after_pruning
from tfx.params import Layer


class StochasticDepth(Layer):
    """Multiplies a residual branch, before it is added, by one number for each sample: `r = x + path.forward(a, rng)`.

    rescaled: survivors grow by 1 / (1 - rate) and evaluation leaves the branch alone.  Otherwise, as published,
    survivors stay as they are and evaluation shrinks every branch by 1 - rate.  Owns no parameters.
    """

    def __init__(self, rate: float, rescaled: bool = True) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of stochastic depth must be at least 0 and below 1, not {rate}")
        self.rate = rate
        self.rescaled = rescaled

    def multiplier(self, branch: Array, rng: Any) -> Array | None:
        """What `branch`, (B, ...), is multiplied by: (B, 1, ..., 1); None for 1."""
        if self.rate == 0 or (rng is None and self.rescaled):
            return None
        xp = xp_of(branch)
        shape = (branch.shape[0],) + (1,) * (branch.ndim - 1)
        if rng is None:
            return xp.full(shape, 1.0 - self.rate, dtype=branch.dtype)
        return branch_multiplier(shape, self.rate, rng, self.rescaled, branch.dtype, xp)

    def forward(self, branch: Array, rng: Any = None) -> tuple[Array, DropoutCache]:
        """branch: (B, ...) -> the same shape, what is to be added to the residual."""
        return dropout_forward(branch, self.multiplier(branch, rng))

    def backward(self, dy: Array, cache: DropoutCache) -> Array:
        """dy -> dbranch."""
        return dropout_backward(dy, cache)


class LayerDropCache(NamedTuple):
    blocks: tuple[Any, ...]  # None where the block was left out


class LayerDropStack(Layer):
    """Blocks on top of each other; in training each one is left out of a whole batch with probability `rate`.

    A block that is left out is not computed.  Any blocks with forward(x, mask, rng) and backward(dy, cache) will do.
    """

    def __init__(self, blocks: Sequence[Any], rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of LayerDrop must be at least 0 and below 1, not {rate}")
        self.blocks = list(blocks)
        self.rate = rate

    def forward(self, x: Array, mask: Array | None = None, rng: Any = None) -> tuple[Array, LayerDropCache]:
        """x: (B, T, C) -> y: (B, T, C).  rng: a NumPy Generator, also on a device; None runs every block."""
        caches: list[Any] = []
        for block in self.blocks:
            if rng is not None and rng.random() < self.rate:
                caches.append(None)
                continue
            x, cache = block.forward(x, mask, rng)
            caches.append(cache)
        return x, LayerDropCache(tuple(caches))

    def backward(self, dy: Array, cache: LayerDropCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        for block, block_cache in zip(reversed(self.blocks), reversed(cache.blocks), strict=True):
            if block_cache is not None:  # left out: y = x
                dy = block.backward(dy, block_cache)
        return dy

    def pruned(self, rate: float | None = None) -> LayerDropStack:
        """A shallower stack that shares its blocks with this one, cut for `rate` (the training rate unless told)."""
        kept = layers_left_after_pruning(len(self.blocks), self.rate if rate is None else rate)
        return LayerDropStack([self.blocks[i] for i in kept], self.rate)

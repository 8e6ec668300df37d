"""Activation checkpointing: forward keeps little, and backward computes the rest again.

A plain stack keeps every activation of its L blocks until backward needs them.  Cut into segments of k blocks, it
keeps the input of each segment only; backward runs one segment forward again, goes back through it, and frees it:

    held = (L / k) inputs + k blocks' activations         smallest at k = sqrt(L), if a block kept as much as its input
    work = one more forward pass, whatever k is           2 forwards and 1 backward of each block

If a block keeps r times its input, the sum L / k + r k is smallest at k = sqrt(L / r): blocks that keep a lot want
segments of one block.  Nothing is approximated: the same operations run on the same numbers, so the gradients have
the same bits.  Dropout has to draw the same masks again, so the state of the rng is kept with each input.  Auxiliary
losses (nn/auxiliary_losses.py) are kept too: whoever owns the loss looks for them in the cache.
Source: Chen, Xu, Zhang and Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost", section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.auxiliary_losses import AuxiliaryLoss, auxiliary_losses, with_losses
from tfx.params import Layer


class RngState(NamedTuple):
    """A Generator as it was when it was looked at; `revived` gives one that goes on from there."""

    make: Callable[[], Any]
    state: Any

    def revived(self) -> np.random.Generator:
        bits = self.make()
        bits.state = self.state
        return np.random.Generator(bits)


def remember(argument: Any) -> Any:
    """A Generator -> its state now; anything else as it is."""
    if isinstance(argument, np.random.Generator):
        return RngState(type(argument.bit_generator), deepcopy(argument.bit_generator.state))
    return argument


def recall(remembered: Any) -> Any:
    """A state -> a Generator that draws the same numbers again; anything else as it is."""
    return remembered.revived() if isinstance(remembered, RngState) else remembered


class CheckpointCache(NamedTuple):
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    auxiliary: list[AuxiliaryLoss]


class Checkpointed(Layer):
    """A layer that keeps its inputs only.  Owns `layer`, whose forward may have any arguments."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, *arguments: Any, **named: Any) -> tuple[Any, CheckpointCache]:
        """What layer.forward(...) gives; a Generator among the arguments draws as usual."""
        before = tuple(map(remember, arguments)), {name: remember(v) for name, v in named.items()}
        y, full = self.layer.forward(*arguments, **named)
        return y, CheckpointCache(*before, auxiliary_losses(full))

    def backward(self, dy: Any, cache: CheckpointCache) -> Any:
        """What layer.backward(dy, ...) gives, after one more forward."""
        named = {name: recall(value) for name, value in cache.named.items()}
        _, full = self.layer.forward(*map(recall, cache.arguments), **named)
        return self.layer.backward(dy, with_losses(full, cache.auxiliary))


class CheckpointedStackCache(NamedTuple):
    inputs: tuple[Array, ...]  # of each segment
    rngs: tuple[Any, ...]  # state before each segment
    mask: Array | None
    auxiliary: list[list[AuxiliaryLoss]]  # of each block


class CheckpointedStack(Layer):
    """Blocks on top of each other, cut into segments of `every` blocks: about sqrt(L) of them unless told.

    Any blocks with forward(x, mask, rng) and backward(dy, cache) will do.  Raises ValueError for every < 1.
    """

    def __init__(self, blocks: Sequence[Any], every: int | None = None) -> None:
        self.blocks = list(blocks)
        self.every = max(1, round(math.sqrt(len(self.blocks)))) if every is None else every
        if self.every < 1:
            raise ValueError(f"a segment needs at least one block, not {every}")

    @property
    def segments(self) -> list[list[Any]]:
        """The blocks, `every` at a time."""
        return [self.blocks[i : i + self.every] for i in range(0, len(self.blocks), self.every)]

    def forward(self, x: Array, mask: Array | None = None, rng: Any = None) -> tuple[Array, CheckpointedStackCache]:
        """x: (B, T, C) -> y: (B, T, C)."""
        inputs, rngs, auxiliary = [], [], []
        for segment in self.segments:
            inputs.append(x)
            rngs.append(remember(rng))
            for block in segment:
                x, full = block.forward(x, mask, rng)
                auxiliary.append(auxiliary_losses(full))
                del full  # no cache outlives its block
        return x, CheckpointedStackCache(tuple(inputs), tuple(rngs), mask, auxiliary)

    def backward(self, dy: Array, cache: CheckpointedStackCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        segments = self.segments
        for number in reversed(range(len(segments))):
            block_caches = self.run_again(number, cache)
            for block in reversed(segments[number]):
                dy = block.backward(dy, block_caches.pop())  # popped: freed as soon as it was used
        return dy

    def run_again(self, number: int, cache: CheckpointedStackCache) -> list[Any]:
        """The caches of the blocks of one segment, computed from its kept input."""
        x, rng = cache.inputs[number], recall(cache.rngs[number])
        block_caches = []
        for index, block in enumerate(self.segments[number], start=number * self.every):
            x, block_cache = block.forward(x, cache.mask, rng)
            block_caches.append(with_losses(block_cache, cache.auxiliary[index]))
        return block_caches

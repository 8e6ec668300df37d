"""Reversible residual blocks: the input can be computed from the output, so forward need not keep it.

    y1 = x1 + F(x2)                    x2 = y2 - G(y1)
    y2 = x2 + G(y1)                    x1 = y1 - F(x2)           the same steps backwards, undone by subtraction

An ordinary residual y = x + F(x) cannot be solved for x; two streams that take turns can.  F is attention and G the
feed-forward network, each with a norm before and a dropout after it.

Derivation.  Let dy1, dy2 be given.  y1 went into y2 through G, and out:

    dy1' = dy1 + G'(y1)^T dy2          all that reaches y1
    dx2  = dy2 + F'(x2)^T dy1'         x2 went into y2 by itself, and into y1 through F
    dx1  = dy1'

Backward computes G(y1) for its cache, and with it x2; then F(x2) for its cache, and with it x1, which is the output
of the block below.  So a stack of any depth holds the activations of one branch at a time.  It costs one more forward
pass, and rounding: x comes back to within a few units in the last place, not to the bit, and errors add up with depth.
Dropout draws its masks from a seed kept in the cache, so that the second time gives the same ones.
Sources: Gomez et al. 2017, "The Reversible Residual Network", section 3.1 and algorithm 1; with attention: Kitaev,
Kaiser and Levskaya 2020, "Reformer", section 3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import make_self_attention
from tfx.nn.block_feed_forward import make_feed_forward
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.branch import Branch, BranchCache
from tfx.nn.dropout import Dropout
from tfx.nn.residual import block_norm
from tfx.ops.attention.masks import Mask
from tfx.params import Layer


class AttentionBranch(Layer):
    """F(x) = dropout(attention(norm(x))), self-attention."""

    def __init__(self, settings: BlockSettings, rng: np.random.Generator) -> None:
        self.norm, self.attention = block_norm(settings), make_self_attention(settings, rng)
        self.dropout = Dropout(settings.dropout)

    def forward(self, x: Array, mask: Mask = None, rng: Any = None) -> tuple[Array, BranchCache]:
        """x: (B, T, C), mask broadcastable to (B, H, T, T) -> (B, T, C)."""
        return self._branch().forward(x, rng, mask=mask)

    def backward(self, dy: Array, cache: BranchCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        return self._branch().backward(dy, cache)

    def _branch(self) -> Branch:
        return Branch(self.norm, self.attention, self.dropout)


class FeedForwardBranch(Layer):
    """G(x) = dropout(feed_forward(norm(x))); a mask is accepted and not needed."""

    def __init__(self, settings: BlockSettings, rng: np.random.Generator) -> None:
        self.norm, self.feed_forward = block_norm(settings), make_feed_forward(settings, rng)
        self.dropout = Dropout(settings.dropout)

    def forward(self, x: Array, mask: Mask = None, rng: Any = None) -> tuple[Array, BranchCache]:
        """x: (B, T, C) -> (B, T, C)."""
        return self._branch().forward(x, rng)

    def backward(self, dy: Array, cache: BranchCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        return self._branch().backward(dy, cache)

    def _branch(self) -> Branch:
        return Branch(self.norm, self.feed_forward, self.dropout)


class Streams(NamedTuple):
    """The two halves of the residual, (B, T, C) each, or their gradients."""

    first: Array
    second: Array


class ReversibleBlock(Layer):
    """Owns f and g: any two layers with forward(x, mask, rng) that keep the shape of x."""

    def __init__(self, f: Any, g: Any) -> None:
        self.f, self.g = f, g

    def forward(self, x: Streams, mask: Mask = None, seed: Any = None) -> tuple[Streams, tuple[Any, Any]]:
        """x -> y, and the caches of f and g, for whoever wants to keep them.  seed: dropout, None for evaluation."""
        f, f_cache = self.f.forward(x.second, mask, _rng(seed, 0))
        y1 = x.first + f
        g, g_cache = self.g.forward(y1, mask, _rng(seed, 1))
        return Streams(y1, x.second + g), (f_cache, g_cache)

    def backward(self, dy: Streams, cache: tuple[Any, Any]) -> Streams:
        """The ordinary backward, from kept caches: dy -> dx."""
        f_cache, g_cache = cache
        dy1 = dy.first + self.g.backward(dy.second, g_cache)  # y2 = x2 + g(y1)
        dx2 = dy.second + self.f.backward(dy1, f_cache)  # y1 = x1 + f(x2), and y2 = x2 + ... again
        return Streams(dy1, dx2)

    def undo(self, y: Streams, dy: Streams, mask: Mask = None, seed: Any = None) -> tuple[Streams, Streams]:
        """The reversible backward, from the output alone: y, dy -> x, dx.  seed: the one that forward had."""
        g, g_cache = self.g.forward(y.first, mask, _rng(seed, 1))
        x2 = y.second - g  # y2 = x2 + g(y1)
        dy1 = dy.first + self.g.backward(dy.second, g_cache)
        del g, g_cache  # before the other branch needs room
        f, f_cache = self.f.forward(x2, mask, _rng(seed, 0))
        x1 = y.first - f  # y1 = x1 + f(x2)
        dx2 = dy.second + self.f.backward(dy1, f_cache)
        return Streams(x1, x2), Streams(dy1, dx2)


class ReversibleStackCache(NamedTuple):
    y: Streams  # the output of the last block
    norm: Any
    mask: Mask
    seed: int | None
    blocks: tuple[Any, ...]  # empty, unless everything is kept


class ReversibleStack(Layer):
    """n_layers reversible blocks of attention and feed-forward, and a norm at the end.

    Both streams start as x, and their mean is what leaves: the papers leave this open.  recompute=False keeps all
    caches and goes back as usual, for comparison.
    """

    def __init__(self, settings: StackSettings, rng: np.random.Generator, recompute: bool = True) -> None:
        layers = [settings.layer(i) for i in range(settings.n_layers)]
        self.blocks = [ReversibleBlock(AttentionBranch(own, rng), FeedForwardBranch(own, rng)) for own in layers]
        self.norm = block_norm(settings)
        self.recompute = recompute

    def forward(self, x: Array, mask: Mask = None, rng: Any = None) -> tuple[Array, ReversibleStackCache]:
        """x: (B, T, C), mask broadcastable to (B, H, T, T) -> (B, T, C).  rng: dropout, None for evaluation."""
        seed = None if rng is None else int(rng.integers(2**62))
        y, kept = Streams(x, x), []
        for number, block in enumerate(self.blocks):
            y, cache = block.forward(y, mask, _of_block(seed, number))
            if not self.recompute:
                kept.append(cache)
        hidden, norm = self.norm.forward(0.5 * (y.first + y.second))
        return hidden, ReversibleStackCache(y, norm, mask, seed, tuple(kept))

    def backward(self, dhidden: Array, cache: ReversibleStackCache) -> Array:
        """dhidden: (B, T, C) -> dx: (B, T, C)."""
        half = 0.5 * self.norm.backward(dhidden, cache.norm)  # hidden = norm((y1 + y2) / 2)
        y, dy = cache.y, Streams(half, half)
        for number in reversed(range(len(self.blocks))):
            block = self.blocks[number]
            if self.recompute:
                y, dy = block.undo(y, dy, cache.mask, _of_block(cache.seed, number))
            else:
                dy = block.backward(dy, cache.blocks[number])
        return dy.first + dy.second  # x started both streams


def _of_block(seed: int | None, number: int) -> tuple[int, int] | None:
    return None if seed is None else (seed, number)


def _rng(seed: Any, branch: int) -> np.random.Generator | None:
    """The same Generator every time it is asked for: one for each branch of each block."""
    return None if seed is None else np.random.default_rng((*seed, branch))

"""Spatial-reduction attention of the Pyramid Vision Transformer: every place asks, but only one of r x r answers.

    reduced = norm(convolution(x))        kernel and stride r: squares of r x r places through one linear map
    y = attention(queries: x, keys and values: reduced)                    (T, C), (T / r^2, C) -> (T, C)

A convolution that jumps as far as it is wide reads every place once, so it is patches times a matrix
(nn/patch_embedding.py).  Without reduction, r = 1, keys and values are x itself.

    SpatialReductionAttention    the above
    PyramidBlock                 pre-LN: r = x + attention(norm1(x)), y = r + feed_forward(norm2(r))
    PyramidStack                 stages of blocks, each with its own table of positions; before each stage but the
                                 first a patch embedding halves the resolution and grows the width, while the
                                 reduction falls: 8, 4, 2, 1 in the paper

Derivation.  x is used twice, for queries and for keys and values: two gradients.

Exact: r = 1 is self-attention.  Approximated: with r > 1 details within r x r places are mixed before anybody asks.
Cost: O(T^2 C / r^2) instead of O(T^2 C), still quadratic; it pays from r = 2 on, where T is large against C.
Source: Wang et al. 2021, "Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction without Convolutions",
sections 3.2 and 3.3, equations 1 to 3, and figure 3.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.feed_forward import FeedForward
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.positions import Positions
from tfx.nn.settings import Settings, check_stages, size
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.ops.attention.multi_head import MultiHeadCache
from tfx.ops.grids.patches import patch_grid
from tfx.params import Layer

#: Of the norms in the blocks, as in the code published with the paper.
EPS = 1e-6


class SpatialReductionCache(NamedTuple):
    shape: tuple[int, ...]  # of x
    reduction: PatchEmbeddingCache | None
    norm: Any
    attention: MultiHeadCache


class PyramidBlockCache(NamedTuple):
    norm1: Any
    attention: SpatialReductionCache
    norm2: Any
    feed_forward: Any


class PyramidStackCache(NamedTuple):
    merges: tuple[PatchEmbeddingCache, ...]
    positions: tuple[Any, ...]
    blocks: tuple[tuple[PyramidBlockCache, ...], ...]


class SpatialReductionAttention(Layer):
    """Owns attention: MultiHeadAttention, and for r > 1 reduction: PatchEmbedding(r, C -> C) and norm: LayerNorm(C)."""

    def __init__(
        self, width: int, n_heads: int, reduction: int, rng: np.random.Generator, dtype: Any = "float32"
    ) -> None:
        if reduction < 1:
            raise ValueError(f"a reduction must be at least 1, not {reduction}")
        reduces = reduction > 1
        self.reduction = PatchEmbedding(reduction, width, width, rng, dtype) if reduces else None
        self.norm = LayerNorm(width, dtype) if reduces else None
        self.attention = MultiHeadAttention(width, n_heads, rng, dtype=dtype)

    def forward(self, x: Array) -> tuple[Array, SpatialReductionCache]:
        """x: (B, R, W, C) -> y: (B, R, W, C).  Raises ValueError when squares of r do not cover the grid."""
        places = x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
        source, reduction, norm = places, None, None
        if self.reduction is not None and self.norm is not None:
            source, reduction = self.reduction.forward(x)
            source, norm = self.norm.forward(source)
        y, attention = self.attention.forward(places, source)
        return y.reshape(x.shape), SpatialReductionCache(x.shape, reduction, norm, attention)

    def backward(self, dy: Array, cache: SpatialReductionCache) -> Array:
        """dy: (B, R, W, C) -> dx: (B, R, W, C)."""
        shape, reduction, norm, attention = cache
        grads = self.attention.backward(dy.reshape(shape[0], shape[1] * shape[2], shape[3]), attention)
        if self.reduction is None or self.norm is None or reduction is None:
            return grads.dx.reshape(shape)  # queries, keys and values were the same places
        dreduced = self.norm.backward(grads.dx_kv, norm)  # source = norm(reduction(x))
        return grads.dx_q.reshape(shape) + self.reduction.backward(dreduced, reduction)


@dataclass(frozen=True)
class PyramidSettings(Settings):
    """widths, n_heads, reductions, n_layers: one entry for each stage; ratio: d_ff / width."""

    widths: tuple[int, ...] = size((32, 64))
    n_heads: tuple[int, ...] = size((2, 4))
    reductions: tuple[int, ...] = (2, 1)
    n_layers: tuple[int, ...] = size((1, 1), 0)
    ratio: int = size(4)
    _: KW_ONLY
    activation: str = "gelu"
    dtype: str = "float32"

    def check(self) -> None:
        check_stages(widths=self.widths, n_heads=self.n_heads, reductions=self.reductions, n_layers=self.n_layers)
        if len({len(self.widths), len(self.n_heads), len(self.reductions), len(self.n_layers)}) > 1:
            raise ValueError(
                f"{len(self.widths)} widths, {len(self.n_heads)} numbers of heads, {len(self.reductions)} reductions "
                f"and {len(self.n_layers)} depths are not the same number of stages"
            )


class PyramidBlock(Layer):
    """Owns norm1, attention: SpatialReductionAttention, norm2 and feed_forward.  stage: whose sizes it has, from 0."""

    def __init__(self, settings: PyramidSettings, stage: int, rng: np.random.Generator) -> None:
        width, dtype = settings.widths[stage], settings.dtype
        reads = (settings.n_heads[stage], settings.reductions[stage])
        self.norm1 = LayerNorm(width, dtype, EPS)
        self.attention = SpatialReductionAttention(width, *reads, rng, dtype)
        self.norm2 = LayerNorm(width, dtype, EPS)
        self.feed_forward = FeedForward(width, settings.ratio * width, rng, settings.activation, dtype)

    def forward(self, x: Array) -> tuple[Array, PyramidBlockCache]:
        """x: (B, R, W, C) -> y: (B, R, W, C)."""
        read1, norm1 = self.norm1.forward(x)
        a, attention = self.attention.forward(read1)
        r = x + a
        read2, norm2 = self.norm2.forward(r)
        f, feed_forward = self.feed_forward.forward(read2)
        return r + f, PyramidBlockCache(norm1, attention, norm2, feed_forward)

    def backward(self, dy: Array, cache: PyramidBlockCache) -> Array:
        """dy: (B, R, W, C) -> dx: (B, R, W, C)."""
        dread2 = self.feed_forward.backward(dy, cache.feed_forward)  # y = r + feed_forward(norm2(r))
        dr = dy + self.norm2.backward(dread2, cache.norm2)
        dread1 = self.attention.backward(dr, cache.attention)  # r = x + attention(norm1(x))
        return dr + self.norm1.backward(dread1, cache.norm1)


class PyramidStack(Layer):
    """The stages of the settings.  grid: (R, W) of the first one.

    Raises ValueError when the grid cannot be halved often enough.
    """

    def __init__(self, settings: PyramidSettings, grid: tuple[int, int], rng: np.random.Generator) -> None:
        widths, dtype = settings.widths, settings.dtype
        self.merges = [PatchEmbedding(2, before, after, rng, dtype) for before, after in pairwise(widths)]
        halvings = [2**i for i in range(len(widths))]
        patch_grid((1, *grid, 1), halvings[-1])
        places = [(grid[0] // halving) * (grid[1] // halving) for halving in halvings]
        self.positions = [Positions("learned", n, width, rng, dtype) for n, width in zip(places, widths, strict=True)]
        self.stages = [
            [PyramidBlock(settings, stage, rng) for _ in range(depth)] for stage, depth in enumerate(settings.n_layers)
        ]

    def forward(self, x: Array) -> tuple[Array, PyramidStackCache]:
        """x: (B, R, W, C of the first stage) -> y: (B, R / 2^(n - 1), W / 2^(n - 1), C of the last)."""
        merges, positions, caches = [], [], []
        for i, stage in enumerate(self.stages):
            grid = patch_grid(x.shape, 2 if i else 1)
            if i:
                x, merge = self.merges[i - 1].forward(x)
                merges.append(merge)
            x, added = self.positions[i].forward(x.reshape(x.shape[0], grid[0] * grid[1], x.shape[-1]))
            positions.append(added)
            x = x.reshape(x.shape[0], *grid, x.shape[-1])
            x, in_stage = forward_through(stage, x, (() for _ in stage))
            caches.append(in_stage)
        return x, PyramidStackCache(tuple(merges), tuple(positions), tuple(caches))

    def backward(self, dy: Array, cache: PyramidStackCache) -> Array:
        """dy: shape of y -> dx: shape of x."""
        for i in reversed(range(len(self.stages))):
            dy = backward_through(self.stages[i], dy, cache.blocks[i])
            grid = dy.shape[1:3]
            dy = self.positions[i].backward(dy.reshape(dy.shape[0], grid[0] * grid[1], dy.shape[3]), cache.positions[i])
            dy = self.merges[i - 1].backward(dy, cache.merges[i - 1]) if i else dy.reshape(dy.shape[0], *grid, -1)
        return dy

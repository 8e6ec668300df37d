"""Blocks on top of each other, and the final LayerNorm that pre-LN needs.

In a pre-LN stack nothing normalises the sum of all residuals, so one LayerNorm follows the last block (Xiong et al.
2020, section 3).  A post-LN stack ends with a LayerNorm already.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.decoder_block import DecoderBlock, DecoderBlockCache
from tfx.nn.encoder_block import EncoderBlock, EncoderBlockCache
from tfx.nn.layer_norm import LayerNorm
from tfx.ops.layer_norm import LayerNormCache
from tfx.params import Layer


class EncoderStackCache(NamedTuple):
    blocks: tuple[EncoderBlockCache, ...]
    norm: LayerNormCache | None


class EncoderStack(Layer):
    """n_layers encoder blocks; `block` holds their further settings (norm, activation, dropout, dtype)."""

    def __init__(
        self, n_layers: int, d_model: int, n_heads: int, d_ff: int, rng: np.random.Generator, norm: str, **block: Any
    ) -> None:
        self.blocks = [EncoderBlock(d_model, n_heads, d_ff, rng, norm, **block) for _ in range(n_layers)]
        self.norm = LayerNorm(d_model, block.get("dtype", "float32")) if norm == "pre" else None

    def forward(self, x: Array, mask: Array | None = None, rng: Any = None) -> tuple[Array, EncoderStackCache]:
        """x: (B, T, C) -> hidden: (B, T, C)."""
        caches = []
        for block in self.blocks:
            x, cache = block.forward(x, mask, rng)
            caches.append(cache)
        norm_cache = None
        if self.norm is not None:
            x, norm_cache = self.norm.forward(x)
        return x, EncoderStackCache(tuple(caches), norm_cache)

    def backward(self, dhidden: Array, cache: EncoderStackCache) -> Array:
        """dhidden: (B, T, C) -> dx: (B, T, C)."""
        dx = dhidden
        if self.norm is not None and cache.norm is not None:
            dx = self.norm.backward(dx, cache.norm)
        for block, block_cache in zip(reversed(self.blocks), reversed(cache.blocks), strict=True):
            dx = block.backward(dx, block_cache)
        return dx


class DecoderStackCache(NamedTuple):
    blocks: tuple[DecoderBlockCache, ...]
    norm: LayerNormCache | None


class DecoderStack(Layer):
    """n_layers decoder blocks, all reading the same memory.  Raises ValueError for fewer than one."""

    def __init__(
        self, n_layers: int, d_model: int, n_heads: int, d_ff: int, rng: np.random.Generator, norm: str, **block: Any
    ) -> None:
        if n_layers < 1:
            raise ValueError("a decoder that reads a memory needs at least one block")
        self.blocks = [DecoderBlock(d_model, n_heads, d_ff, rng, norm, **block) for _ in range(n_layers)]
        self.norm = LayerNorm(d_model, block.get("dtype", "float32")) if norm == "pre" else None

    def forward(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, DecoderStackCache]:
        """x: (B, T, C), memory: (B, S, C) -> hidden: (B, T, C)."""
        caches = []
        for block in self.blocks:
            x, cache = block.forward(x, memory, mask, memory_mask, rng)
            caches.append(cache)
        norm_cache = None
        if self.norm is not None:
            x, norm_cache = self.norm.forward(x)
        return x, DecoderStackCache(tuple(caches), norm_cache)

    def backward(self, dhidden: Array, cache: DecoderStackCache) -> tuple[Array, Array]:
        """dhidden: (B, T, C) -> dx: (B, T, C), dmemory: (B, S, C)."""
        dx: Array = dhidden
        dmemory: Array = None
        if self.norm is not None and cache.norm is not None:
            dx = self.norm.backward(dx, cache.norm)
        for block, block_cache in zip(reversed(self.blocks), reversed(cache.blocks), strict=True):
            dx, dread = block.backward(dx, block_cache)
            dmemory = dread if dmemory is None else dmemory + dread  # every block read the same memory
        return dx, dmemory

"""Patch embedding: each square of an image becomes one vector, by the same linear map.

    y = patches(images) W + b            (B, height, width, K) -> (B, N, p p K) -> (B, N, C)

Source: Dosovitskiy et al. 2021, section 3.1 and equation 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_device, xp_of
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import PatchesCache, patches_backward, patches_forward
from tfx.params import Layer


class PatchEmbeddingCache(NamedTuple):
    patches: PatchesCache
    linear: LinearCache


class PatchEmbedding(Layer):
    """Owns linear: Linear(patch patch channels, C)."""

    def __init__(self, patch: int, channels: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        if patch < 1 or channels < 1:
            raise ValueError(
                f"a patch needs at least one pixel and one channel, not {patch} pixels and {channels} channels"
            )
        self.patch = patch
        self.linear = Linear(patch * patch * channels, width, rng, dtype=dtype)

    def forward(self, images: Array) -> tuple[Array, PatchEmbeddingCache]:
        """images: (B, height, width, K) -> y: (B, N, C).  Raises ValueError when they cannot be cut into squares."""
        squares, patches = patches_forward(to_device(images, xp_of(self.linear.w.value)), self.patch)
        y, linear = self.linear.forward(squares)
        return y, PatchEmbeddingCache(patches, linear)

    def backward(self, dy: Array, cache: PatchEmbeddingCache) -> Array:
        """dy: (B, N, C) -> dimages: (B, height, width, K)."""
        dsquares = self.linear.backward(dy, cache.linear)  # y = squares W + b
        return patches_backward(dsquares, cache.patches)  # squares = patches(images)

"""Pyramid Vision Transformer: an image read on grids that get coarser, with fewer keys than queries on the fine ones.

    x = norm(patches(images) W + b)                   (B, height, width, K) -> (B, R, W, C)
    x = stages(x)                                     nn/spatial_reduction.py: positions, blocks, half the resolution
    logits = mean(norm(x)) W_h + b_h                  (B, classes)

Source: Wang et al. 2021, "Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction without Convolutions",
section 3.2.  They read a class token in the last stage; here the mean answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.spatial_reduction import PyramidStack, PyramidStackCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import image_shape, patch_grid


class PyramidVisionTransformerCache(NamedTuple):
    patches: PatchEmbeddingCache
    first_norm: Any
    stack: PyramidStackCache
    last_norm: Any
    shape: tuple[int, ...]  # of the last stage's result
    head: LinearCache


class PyramidVisionTransformer(Model):
    """image_size: (height, width) in pixels; patch: pixels on the side of a square.

    widths, n_heads, reductions, n_layers: one entry for each stage; ratio: d_ff / width.
    Raises ValueError when squares or stages do not fit the image, or the lists differ in length.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        patch: int,
        n_classes: int,
        channels: int = 1,
        widths: tuple[int, ...] = (32, 64),
        n_heads: tuple[int, ...] = (2, 4),
        reductions: tuple[int, ...] = (2, 1),
        n_layers: tuple[int, ...] = (1, 1),
        ratio: int = 4,
        activation: str = "gelu",
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        self._remember(locals())
        for name, each in (
            ("widths", widths),
            ("n_heads", n_heads),
            ("reductions", reductions),
            ("n_layers", n_layers),
        ):
            if not isinstance(each, tuple | list) or not each:
                raise ValueError(f"{name} must be one number for each stage, not {each!r}")
        rng = np.random.default_rng(seed)
        self.image_shape = image_shape(image_size, channels)
        self.grid = patch_grid((0, *self.image_shape), patch)
        self.patches = PatchEmbedding(patch, channels, widths[0], rng, dtype)
        self.first_norm = LayerNorm(widths[0], dtype)
        self.stack = PyramidStack(
            self.grid, widths, n_heads, reductions, n_layers, rng, ratio, dtype, activation=activation
        )
        self.last_norm = LayerNorm(widths[-1], dtype)
        self.head = Linear(widths[-1], n_classes, rng, dtype=dtype)

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, PyramidVisionTransformerCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: not used, there is no dropout.

        Raises ValueError for images of another size than the model's.
        """
        if images.shape[1:] != self.image_shape:
            raise ValueError(f"the model reads images of {self.image_shape} but these are {images.shape[1:]}")
        x, patches = self.patches.forward(images)
        x, first_norm = self.first_norm.forward(x)
        x, stack = self.stack.forward(x.reshape(x.shape[0], *self.grid, x.shape[-1]))
        normed, last_norm = self.last_norm.forward(x)
        logits, head = self.head.forward(normed.mean(axis=(1, 2)))
        return logits, PyramidVisionTransformerCache(patches, first_norm, stack, last_norm, x.shape, head)

    def backward(self, dlogits: Array, cache: PyramidVisionTransformerCache) -> Array:
        """dlogits: (B, classes) -> dimages: (B, height, width, K)."""
        dpooled = self.head.backward(dlogits, cache.head)  # logits = mean(normed) W + b
        share = (dpooled * (1.0 / (cache.shape[1] * cache.shape[2])))[:, None, None, :]
        dx = self.last_norm.backward(xp_of(share).broadcast_to(share, cache.shape), cache.last_norm)
        dx = self.stack.backward(dx, cache.stack)
        dx = dx.reshape(dx.shape[0], dx.shape[1] * dx.shape[2], dx.shape[3])
        return self.patches.backward(self.first_norm.backward(dx, cache.first_norm), cache.patches)

"""Pyramid Vision Transformer: an image read on grids that get coarser, with fewer keys than queries on the fine ones.

    x = norm(patches(images) W + b)                   (B, height, width, K) -> (B, R, W, C)
    x = stages(x)                                     nn/spatial_reduction.py: positions, blocks, half the resolution
    logits = mean(norm(x)) W_h + b_h                  (B, classes)

Source: Wang et al. 2021, "Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction without Convolutions",
section 3.2.  They read a class token in the last stage; here the mean answers.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import ImageSettings, check_stages
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.settings import size
from tfx.nn.spatial_reduction import PyramidStack, PyramidStackCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import check_images, image_shape, patch_grid


class PyramidVisionTransformerCache(NamedTuple):
    patches: PatchEmbeddingCache
    first_norm: Any
    stack: PyramidStackCache
    last_norm: Any
    shape: tuple[int, ...]  # of the last stage's result
    head: LinearCache


@dataclass(frozen=True)
class PyramidVisionTransformerSettings(ImageSettings):
    """widths, n_heads, reductions, n_layers: one entry for each stage; ratio: d_ff / width."""

    widths: tuple[int, ...] = size((32, 64))
    n_heads: tuple[int, ...] = size((2, 4))
    reductions: tuple[int, ...] = (2, 1)
    n_layers: tuple[int, ...] = size((1, 1), 0)
    ratio: int = size(4)
    _: KW_ONLY
    activation: str = "gelu"
    seed: int = size(0, 0)
    dtype: str = "float32"

    def check(self) -> None:
        check_stages(widths=self.widths, n_heads=self.n_heads, reductions=self.reductions, n_layers=self.n_layers)


@buildable
class PyramidVisionTransformer(Model):
    """Raises ValueError when squares or stages do not fit the image, or the lists differ in length."""

    settings_type = PyramidVisionTransformerSettings

    def make(self, settings: PyramidVisionTransformerSettings, rng: np.random.Generator) -> None:
        widths, dtype = settings.widths, settings.dtype
        self.image_shape = image_shape(settings.image_size, settings.channels)
        self.grid = patch_grid((0, *self.image_shape), settings.patch)
        self.patches = PatchEmbedding(settings.patch, settings.channels, widths[0], rng, dtype)
        self.first_norm = LayerNorm(widths[0], dtype)
        stages = (widths, settings.n_heads, settings.reductions, settings.n_layers)
        self.stack = PyramidStack(self.grid, *stages, rng, settings.ratio, dtype, settings.activation)
        self.last_norm = LayerNorm(widths[-1], dtype)
        self.head = Linear(widths[-1], settings.n_classes, rng, dtype=dtype)

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, PyramidVisionTransformerCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: not used, there is no dropout.

        Raises ValueError for images of another size than the model's.
        """
        check_images(images, self.image_shape)
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

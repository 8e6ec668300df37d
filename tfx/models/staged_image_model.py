"""StagedImageModel: an image read on grids that get coarser from stage to stage; the stages are the model's own.

x = norm(patches(images) W + b)                   (B, height, width, K) -> (B, R, W, C)
x = stages(x)                                     (B, R, W, C) -> (B, R', W', C'), coarser and wider
logits = mean(norm(x)) W_h + b_h                  (B, classes)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model
from tfx.models.settings import ImageSettings
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import check_images, image_shape, patch_grid


class StagedImageModelCache(NamedTuple):
    patches: PatchEmbeddingCache
    first_norm: Any
    stages: Any
    last_norm: Any
    shape: tuple[int, ...]  # of the last stage's result
    head: LinearCache


class StagedImageModel(Model, ABC):
    """Owns patches, first_norm, last_norm and head; `grid` is that of the first stage."""

    def _make_front(self, settings: ImageSettings, width: int, rng: np.random.Generator, dtype: Any) -> None:
        """width: C of the first stage."""
        self.image_shape = image_shape(settings.image_size, settings.channels)
        self.grid = patch_grid((0, *self.image_shape), settings.patch)
        self.patches = PatchEmbedding(settings.patch, settings.channels, width, rng, dtype)
        self.first_norm = LayerNorm(width, dtype)

    def _make_head(self, settings: ImageSettings, width: int, rng: np.random.Generator, dtype: Any) -> None:
        """width: C of the last stage."""
        self.last_norm = LayerNorm(width, dtype)
        self.head = Linear(width, settings.n_classes, rng, dtype=dtype)

    @abstractmethod
    def stages_forward(self, x: Array, rng: Any) -> tuple[Array, Any]:
        """x: (B, R, W, C) -> (B, R', W', C'), cache."""

    @abstractmethod
    def stages_backward(self, dx: Array, cache: Any) -> Array:
        """dx: (B, R', W', C') -> (B, R, W, C)."""

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, StagedImageModelCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: dropout, None in evaluation.

        Raises ValueError for images of another size than the model's.
        """
        check_images(images, self.image_shape)
        x, patches = self.patches.forward(images)  # (B, height, width, K) -> (B, R W, C)
        x, first_norm = self.first_norm.forward(x)
        x, stages = self.stages_forward(x.reshape(x.shape[0], *self.grid, x.shape[-1]), rng)  # -> (B, R', W', C')
        normed, last_norm = self.last_norm.forward(x)
        logits, head = self.head.forward(normed.mean(axis=(1, 2)))  # -> (B, classes)
        return logits, StagedImageModelCache(patches, first_norm, stages, last_norm, x.shape, head)

    def backward(self, dlogits: Array, cache: StagedImageModelCache) -> Array:
        """dlogits: (B, classes) -> dimages: (B, height, width, K).  Adds to the gradient of every parameter."""
        dpooled = self.head.backward(dlogits, cache.head)  # logits = mean(normed) W + b
        share = (dpooled * (1.0 / (cache.shape[1] * cache.shape[2])))[:, None, None, :]
        dx = self.last_norm.backward(xp_of(share).broadcast_to(share, cache.shape), cache.last_norm)
        dx = self.stages_backward(dx, cache.stages)
        dx = dx.reshape(dx.shape[0], dx.shape[1] * dx.shape[2], dx.shape[3])
        return self.patches.backward(self.first_norm.backward(dx, cache.first_norm), cache.patches)

"""Swin Transformer: an image read in windows, on grids that get coarser from stage to stage.

    x = norm(patches(images) W + b)                   (B, height, width, K) -> (B, R, W, C)
    x = stage_1(x)                                    blocks in windows, every second one shifted (nn/swin.py)
    x = stage_2(merge(x)), ...                        half as many rows and columns, twice as wide
    logits = mean(norm(x)) W_h + b_h                  (B, classes)

Positions are known inside windows, by a bias for each offset; there is no table.
Source: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", section 3.1 and
figure 3.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import ImageSettings, check_stages
from tfx.nn.block_settings import StackSettings
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.settings import size
from tfx.nn.swin import PatchMerging, PatchMergingCache, SwinBlockCache, SwinStage
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import check_images, image_shape, patch_grid


class SwinTransformerCache(NamedTuple):
    patches: PatchEmbeddingCache
    first_norm: Any
    stages: tuple[tuple[SwinBlockCache, ...], ...]
    merges: tuple[PatchMergingCache, ...]
    last_norm: Any
    shape: tuple[int, ...]  # of the last stage's result
    head: LinearCache


@dataclass(frozen=True)
class SwinTransformerSettings(ImageSettings):
    """d_model: C of the first stage.  n_heads, n_layers: one entry for each stage.

    window: squares on a side; ratio: d_ff / width.
    """

    d_model: int = size(32)
    n_heads: tuple[int, ...] = size((2, 4))
    n_layers: tuple[int, ...] = size((2, 2), 0)
    window: int = 4
    ratio: int = size(4)
    _: KW_ONLY
    activation: str = "gelu"
    dropout: float = 0.0
    seed: int = size(0, 0)
    dtype: str = "float32"

    def check(self) -> None:
        check_stages(n_heads=self.n_heads, n_layers=self.n_layers)
        if len(self.n_heads) != len(self.n_layers):
            raise ValueError(f"{len(self.n_heads)} numbers of heads do not fit {len(self.n_layers)} stages")


@buildable
class SwinTransformer(Model):
    """Raises ValueError when squares, windows or mergings do not fit the image."""

    settings_type = SwinTransformerSettings

    def make(self, settings: SwinTransformerSettings, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self.image_shape = image_shape(settings.image_size, settings.channels)
        grid = self.grid = patch_grid((0, *self.image_shape), settings.patch)
        self.patches = PatchEmbedding(settings.patch, settings.channels, width, rng, dtype)
        self.first_norm = LayerNorm(width, dtype)
        self.stages: list[SwinStage] = []
        self.merges: list[PatchMerging] = []
        alike: dict[str, Any] = {"activation": settings.activation, "dropout": settings.dropout, "dtype": dtype}
        for i, (heads, depth) in enumerate(zip(settings.n_heads, settings.n_layers, strict=True)):
            if i:
                self.merges.append(PatchMerging(width, rng, dtype=dtype))
                grid, width = patch_grid((0, *grid, width), 2), 2 * width
            stage = StackSettings(width, heads, settings.ratio * width, depth, **alike)
            self.stages.append(SwinStage(stage, grid, settings.window, rng))
        self.last_norm = LayerNorm(width, dtype)
        self.head = Linear(width, settings.n_classes, rng, dtype=dtype)

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, SwinTransformerCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: dropout, None in evaluation.

        Raises ValueError for images of another size than the model's.
        """
        check_images(images, self.image_shape)
        x, patches = self.patches.forward(images)
        x, first_norm = self.first_norm.forward(x)
        x = x.reshape(x.shape[0], *self.grid, x.shape[-1])
        stages, merges = [], []
        for i, stage in enumerate(self.stages):
            if i:
                x, merge = self.merges[i - 1].forward(x)
                merges.append(merge)
            x, cache = stage.forward(x, rng)
            stages.append(cache)
        normed, last_norm = self.last_norm.forward(x)
        logits, head = self.head.forward(normed.mean(axis=(1, 2)))
        return logits, SwinTransformerCache(patches, first_norm, tuple(stages), tuple(merges), last_norm, x.shape, head)

    def backward(self, dlogits: Array, cache: SwinTransformerCache) -> Array:
        """dlogits: (B, classes) -> dimages: (B, height, width, K)."""
        dpooled = self.head.backward(dlogits, cache.head)  # logits = mean(normed) W + b
        share = (dpooled * (1.0 / (cache.shape[1] * cache.shape[2])))[:, None, None, :]
        dx = self.last_norm.backward(xp_of(share).broadcast_to(share, cache.shape), cache.last_norm)
        for i in reversed(range(len(self.stages))):
            dx = self.stages[i].backward(dx, cache.stages[i])
            if i:
                dx = self.merges[i - 1].backward(dx, cache.merges[i - 1])
        dx = dx.reshape(dx.shape[0], dx.shape[1] * dx.shape[2], dx.shape[3])
        return self.patches.backward(self.first_norm.backward(dx, cache.first_norm), cache.patches)

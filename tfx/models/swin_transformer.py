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

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.swin import PatchMerging, PatchMergingCache, SwinBlockCache, SwinStage
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import image_shape, patch_grid


class SwinTransformerCache(NamedTuple):
    patches: PatchEmbeddingCache
    first_norm: Any
    stages: tuple[tuple[SwinBlockCache, ...], ...]
    merges: tuple[PatchMergingCache, ...]
    last_norm: Any
    shape: tuple[int, ...]  # of the last stage's result
    head: LinearCache


class SwinTransformer(Model):
    """image_size: (height, width) in pixels; patch: pixels on the side of a square; d_model: C of the first stage.

    n_heads, n_layers: one entry for each stage.  window: squares on a side; ratio: d_ff / width.
    Raises ValueError when squares, windows or mergings do not fit the image.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        patch: int,
        n_classes: int,
        channels: int = 1,
        d_model: int = 32,
        n_heads: tuple[int, ...] = (2, 4),
        n_layers: tuple[int, ...] = (2, 2),
        window: int = 4,
        ratio: int = 4,
        activation: str = "gelu",
        dropout: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        self._remember(locals())
        for name, each in (("n_heads", n_heads), ("n_layers", n_layers)):
            if not isinstance(each, tuple | list) or not each:
                raise ValueError(f"{name} must be one number for each stage, not {each!r}")
        if len(n_heads) != len(n_layers):
            raise ValueError(f"{len(n_heads)} numbers of heads do not fit {len(n_layers)} stages")
        rng = np.random.default_rng(seed)
        self.image_shape = image_shape(image_size, channels)
        grid = self.grid = patch_grid((0, *self.image_shape), patch)
        self.patches = PatchEmbedding(patch, channels, d_model, rng, dtype)
        self.first_norm = LayerNorm(d_model, dtype)
        self.stages: list[SwinStage] = []
        self.merges: list[PatchMerging] = []
        block: dict[str, Any] = {"activation": activation, "dropout": dropout, "dtype": dtype}
        width = d_model
        for i, (heads, depth) in enumerate(zip(n_heads, n_layers, strict=True)):
            if i:
                self.merges.append(PatchMerging(width, rng, dtype=dtype))
                grid, width = patch_grid((0, *grid, width), 2), 2 * width
            self.stages.append(SwinStage(depth, width, heads, ratio * width, grid, window, rng, **block))
        self.last_norm = LayerNorm(width, dtype)
        self.head = Linear(width, n_classes, rng, dtype=dtype)

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, SwinTransformerCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: dropout, None in evaluation.

        Raises ValueError for images of another size than the model's.
        """
        if images.shape[1:] != self.image_shape:
            raise ValueError(f"the model reads images of {self.image_shape} but these are {images.shape[1:]}")
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

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

from tfx.backend import Array
from tfx.models.model import buildable
from tfx.models.settings import ImageSettings
from tfx.models.staged_image_model import StagedImageModel
from tfx.nn.block_settings import StackSettings
from tfx.nn.settings import check_stages, size
from tfx.nn.swin import PatchMerging, PatchMergingCache, SwinBlockCache, SwinStage
from tfx.ops.grids.patches import patch_grid


class SwinStagesCache(NamedTuple):
    blocks: tuple[tuple[SwinBlockCache, ...], ...]  # of each stage
    merges: tuple[PatchMergingCache, ...]


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
class SwinTransformer(StagedImageModel):
    """Raises ValueError when squares, windows or mergings do not fit the image."""

    settings_type = SwinTransformerSettings

    def make(self, settings: SwinTransformerSettings, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self._make_front(settings, width, rng, dtype)
        self.stages: list[SwinStage] = []
        self.merges: list[PatchMerging] = []
        grid = self.grid
        alike: dict[str, Any] = {"activation": settings.activation, "dropout": settings.dropout, "dtype": dtype}
        for i, (heads, depth) in enumerate(zip(settings.n_heads, settings.n_layers, strict=True)):
            if i:
                self.merges.append(PatchMerging(width, rng, dtype=dtype))
                grid, width = patch_grid((0, *grid, width), 2), 2 * width
            stage = StackSettings(width, heads, settings.ratio * width, depth, **alike)
            self.stages.append(SwinStage(stage, grid, settings.window, rng))
        self._make_head(settings, width, rng, dtype)

    def stages_forward(self, x: Array, rng: Any) -> tuple[Array, SwinStagesCache]:
        stages, merges = [], []
        for i, stage in enumerate(self.stages):
            if i:
                x, merge = self.merges[i - 1].forward(x)
                merges.append(merge)
            x, cache = stage.forward(x, rng)
            stages.append(cache)
        return x, SwinStagesCache(tuple(stages), tuple(merges))

    def stages_backward(self, dx: Array, cache: SwinStagesCache) -> Array:
        for i in reversed(range(len(self.stages))):
            dx = self.stages[i].backward(dx, cache.blocks[i])
            if i:
                dx = self.merges[i - 1].backward(dx, cache.merges[i - 1])
        return dx

"""Pyramid Vision Transformer: an image read on grids that get coarser, with fewer keys than queries on the fine ones.

    x = norm(patches(images) W + b)                   (B, height, width, K) -> (B, R, W, C)
    x = stages(x)                                     nn/spatial_reduction.py: positions, blocks, half the resolution
    logits = mean(norm(x)) W_h + b_h                  (B, classes)

Source: Wang et al. 2021, "Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction without Convolutions",
section 3.2.  They read a class token in the last stage; here the mean answers.  Their code, and Hugging Face's, have a
LayerNorm after the patch embedding of every stage; here the first stage alone has one.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.models.model import buildable
from tfx.models.settings import ImageSettings
from tfx.models.staged_image_model import StagedImageModel
from tfx.nn.settings import size
from tfx.nn.spatial_reduction import PyramidSettings, PyramidStack, PyramidStackCache


@dataclass(frozen=True)
class PyramidVisionTransformerSettings(PyramidSettings, ImageSettings):
    """Settings of the image, and of the stages."""

    _: KW_ONLY
    seed: int = size(0, 0)


@buildable
class PyramidVisionTransformer(StagedImageModel):
    """There is no dropout.  Raises ValueError when squares or stages do not fit the image."""

    settings_type = PyramidVisionTransformerSettings

    def make(self, settings: PyramidVisionTransformerSettings, rng: np.random.Generator) -> None:
        self._make_front(settings, settings.widths[0], rng, settings.dtype)
        self.stack = PyramidStack(settings, self.grid, rng)
        self._make_head(settings, settings.widths[-1], rng, settings.dtype)

    def stages_forward(self, x: Array, rng: Any) -> tuple[Array, PyramidStackCache]:
        return self.stack.forward(x)

    def stages_backward(self, dx: Array, cache: PyramidStackCache) -> Array:
        return self.stack.backward(dx, cache)

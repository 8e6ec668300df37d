"""Numbers instead of classes: the loss of a model that places a box, or says how much.

loss = mean of (y - target)^2                  dloss/dy = 2 (y - target) / n
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.backend import as_number, to_device, xp_of
from tfx.half import HALF, WIDE
from tfx.models import VisionTransformer
from tfx.train.loop import Loss, LossValue, Rng


class NumbersBatch(NamedTuple):
    """images: (B, height, width, K); numbers: (B, n)."""

    images: np.ndarray
    numbers: np.ndarray


def squared_error_loss() -> Loss[VisionTransformer]:
    """NumbersBatch for a VisionTransformer with n outputs.  `tokens` counts images."""

    def loss(model: VisionTransformer, batch: NumbersBatch, rng: Rng) -> LossValue:
        y, cache = model.forward(batch.images, rng=rng)
        away = y - to_device(batch.numbers.astype(y.dtype), xp_of(y))
        model.backward(away * (2 / away.size), cache)
        away = away.astype(WIDE) if away.dtype == HALF else away  # in float16 squares overflow from 256 on
        return LossValue(as_number((away * away).mean()), len(away))

    return loss

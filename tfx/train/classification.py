"""One answer for a whole input: the loss of an image classifier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.backend import as_number
from tfx.models import VisionTransformer
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.train.loop import Loss, LossValue, Rng


class ImageBatch(NamedTuple):
    """images: (B, height, width, K); labels: (B,) integers."""

    images: np.ndarray
    labels: np.ndarray


def classification_loss(smoothing: float = 0.0) -> Loss[VisionTransformer]:
    """ImageBatch for a VisionTransformer.  `tokens` counts images."""

    def loss(model: VisionTransformer, batch: ImageBatch, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.images, rng=rng)
        value, ce_cache = cross_entropy_forward(logits, batch.labels, smoothing)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        return LossValue(as_number(value), len(batch.labels))

    return loss

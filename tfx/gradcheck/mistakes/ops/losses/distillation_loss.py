"""Known mistakes in tfx/ops/losses/distillation_loss.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.distillation_loss import distillation_loss
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.distillation_loss import DistillationLossCache, distillation_loss_backward


@wrong_backward(distillation_loss, temperature=3.5)
def temperature_forgotten(dloss: Any, cache: DistillationLossCache) -> Any:
    """1 / T of the softmax is forgotten.

    T^2 (q - p), with the 1 / T of the softmax left out.

    Why: The factor T^2 is remembered, and the 1 / T that comes from inside the softmax is not.
    Hint: By what are the logits divided before the softmax?
    """
    return distillation_loss_backward(dloss, cache) * cache.temperature

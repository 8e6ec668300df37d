"""Known mistakes in tfx/ops/losses/distillation_loss.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.losses.distillation_loss import distillation_loss
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.distillation_loss import DistillationLossCache, distillation_loss_backward


def distillation_temperature_forgotten(dloss: Any, cache: DistillationLossCache) -> Any:
    """T^2 (q - p), with the 1 / T of the softmax left out."""
    return distillation_loss_backward(dloss, cache) * cache.temperature


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="distillation_loss",
        name="temperature-forgotten",
        says="1 / T of the softmax is forgotten",
        why="The factor T^2 is remembered, and the 1 / T that comes from inside the softmax is not.",
        hint="By what are the logits divided before the softmax?",
        problem=partial(distillation_loss, temperature=3.5),
        wrong_backward=distillation_temperature_forgotten,
    ),
)

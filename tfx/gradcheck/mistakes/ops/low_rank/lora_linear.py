"""Known mistakes in tfx/ops/low_rank/lora_linear.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.low_rank.lora_linear import lora_linear
from tfx.gradcheck.mistake import Mistake
from tfx.ops.low_rank.lora_linear import LoraLinearCache, LoraLinearGrads, lora_linear_backward


def update_read_once(dy: Any, cache: LoraLinearCache) -> LoraLinearGrads:
    """dx by way of the frozen matrix only."""
    return lora_linear_backward(dy, cache)._replace(dx=dy @ cache.w.T)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="lora_linear",
        name="one-path-only",
        says="x is counted once, but read twice",
        why="The frozen map does not learn and the small one does, so only one of them is followed for x.",
        hint="How many terms of y contain x?",
        problem=lora_linear,
        wrong_backward=update_read_once,
    ),
)

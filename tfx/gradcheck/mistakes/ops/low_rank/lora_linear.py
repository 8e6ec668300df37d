"""Known mistakes in tfx/ops/low_rank/lora_linear.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.low_rank.lora_linear import lora_linear
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.low_rank.lora_linear import LoraLinearCache, LoraLinearGrads, lora_linear_backward


@wrong_backward(lora_linear)
def one_path_only(dy: Any, cache: LoraLinearCache) -> LoraLinearGrads:
    """x is counted once, but read twice.

    dx by way of the frozen matrix only.

    Why: The frozen map does not learn and the small one does, so only one of them is followed for x.
    Hint: How many terms of y contain x?
    """
    return lora_linear_backward(dy, cache)._replace(dx=dy @ cache.w.T)

"""Known mistakes in tfx/ops/losses/focal_loss.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.focal_loss import focal_loss
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.focal_loss import FocalLossCache, focal_loss_backward


@wrong_backward(focal_loss)
def factor_is_constant(dloss: Any, cache: FocalLossCache) -> Any:
    """The factor (1 - p)^g is taken for a constant.

    Only log p is taken for a function of the logits.

    Why: The factor weighs the tokens, and the weights of a loss are usually given.
    Hint: Does (1 - p)^g depend on the logits?
    """
    weights = cache.targets.weights * (-np.expm1(cache.l)) ** cache.gamma
    plain = cache._replace(gamma=0.0, targets=cache.targets._replace(weights=weights))
    return focal_loss_backward(dloss, plain)

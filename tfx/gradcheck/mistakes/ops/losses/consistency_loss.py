"""Known mistakes in tfx/ops/losses/consistency_loss.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.consistency_loss import consistency_loss
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.consistency_loss import ConsistencyLossCache, ConsistencyLossGrads, consistency_loss_backward


@wrong_backward(consistency_loss)
def second_pass_is_a_teacher(dloss: Any, cache: ConsistencyLossCache) -> ConsistencyLossGrads:
    """The second pass gets no gradient.

    Why: In distillation the second model is a fixed teacher, and that habit is carried over.
    Hint: Are both passes made by the model that is being trained?
    """
    grads = consistency_loss_backward(dloss, cache)
    return grads._replace(dsecond=0 * grads.dsecond)

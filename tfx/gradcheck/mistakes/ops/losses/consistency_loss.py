"""Known mistakes in tfx/ops/losses/consistency_loss.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.consistency_loss import consistency_loss
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.consistency_loss import ConsistencyLossCache, ConsistencyLossGrads, consistency_loss_backward


def consistency_second_pass_is_a_teacher(dloss: Any, cache: ConsistencyLossCache) -> ConsistencyLossGrads:
    grads = consistency_loss_backward(dloss, cache)
    return grads._replace(dsecond=0 * grads.dsecond)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="consistency_loss",
        name="second-pass-is-a-teacher",
        says="the second pass gets no gradient",
        why="In distillation the second model is a fixed teacher, and that habit is carried over.",
        hint="Are both passes made by the model that is being trained?",
        problem=consistency_loss,
        wrong_backward=consistency_second_pass_is_a_teacher,
    ),
)

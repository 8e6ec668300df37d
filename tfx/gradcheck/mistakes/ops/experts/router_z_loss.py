"""Known mistakes in tfx/ops/experts/router_z_loss.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.experts.router_z_loss import router_z_loss
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.router_z_loss import RouterZLossCache, router_z_loss_backward


def z_loss_not_squared(dloss: Any, cache: RouterZLossCache) -> Any:
    return router_z_loss_backward(dloss, cache._replace(z=np.ones_like(cache.z)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="router_z_loss",
        name="square-forgotten",
        says="the square is forgotten",
        why="The gradient of log-sum-exp is so well known that the square around it is passed over.",
        hint="What is the outermost function of this loss?",
        problem=router_z_loss,
        wrong_backward=z_loss_not_squared,
    ),
)

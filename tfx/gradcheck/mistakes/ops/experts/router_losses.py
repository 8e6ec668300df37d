"""Known mistakes in tfx/ops/experts/router_losses.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.router_losses import router_losses
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.router_losses import RouterLossesCache, router_losses_backward


def losses_without_the_z_loss(dloss: Any, cache: RouterLossesCache) -> Any:
    return router_losses_backward(dloss, cache._replace(caches={k: v for k, v in cache.caches.items() if k != "z"}))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="router_losses",
        name="one-loss-missing",
        says="one loss is left out",
        why="Several losses share one input, and the sum of their gradients is one line for each loss.",
        hint="Set all coefficients but one to zero, and do so for each loss in turn.",
        problem=router_losses,
        wrong_backward=losses_without_the_z_loss,
    ),
)

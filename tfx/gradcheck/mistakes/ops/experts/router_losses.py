"""Known mistakes in tfx/ops/experts/router_losses.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.router_losses import router_losses
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.router_losses import RouterLossesCache, router_losses_backward


@wrong_backward(router_losses)
def one_loss_missing(dloss: Any, cache: RouterLossesCache) -> Any:
    """One loss is left out.

    Why: A loss is added to the forward pass in one line, and the line that adds its gradient stands elsewhere.
    Hint: Set all coefficients but one to zero, and do so for each loss in turn.
    """
    return router_losses_backward(dloss, cache._replace(caches={k: v for k, v in cache.caches.items() if k != "z"}))

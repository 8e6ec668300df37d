"""Known mistakes in tfx/ops/experts/router_z_loss.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.experts.router_z_loss import router_z_loss
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.router_z_loss import RouterZLossCache, router_z_loss_backward


@wrong_backward(router_z_loss)
def square_forgotten(dloss: Any, cache: RouterZLossCache) -> Any:
    """The square is forgotten.

    Why: The gradient of log-sum-exp is so well known that the square around it is passed over.
    Hint: What is the outermost function of this loss?
    """
    return router_z_loss_backward(dloss, cache._replace(z=np.ones_like(cache.z)))

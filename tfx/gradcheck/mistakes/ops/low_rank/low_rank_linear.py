"""Known mistakes in tfx/ops/low_rank/low_rank_linear.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.low_rank.low_rank_linear import low_rank_linear
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.low_rank.low_rank_linear import LowRankLinearCache, low_rank_linear_backward


@wrong_backward(low_rank_linear)
def inner_product_forgotten(dy: Any, cache: LowRankLinearCache) -> Any:
    """dV does not see x U.

    Every row of dV is the sum of dy, as if V were an offset.

    Why: x U is neither an input nor an output, so a cache that keeps only those has nothing to multiply dy with.
    Hint: What was multiplied by V in the forward pass?
    """
    dx, du, _, db = low_rank_linear_backward(dy, cache)
    return dx, du, np.broadcast_to(dy.reshape(-1, dy.shape[-1]).sum(axis=0), cache.up.w.shape), db

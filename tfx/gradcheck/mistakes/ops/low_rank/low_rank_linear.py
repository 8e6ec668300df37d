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

    dV from x U is forgotten: V gets the gradient as if U were not there.

    Why: The product U V is treated as one matrix, and its second factor gets the gradient of the first.
    Hint: What was multiplied by V in the forward pass?
    """
    dx, du, _, db = low_rank_linear_backward(dy, cache)
    return dx, du, du.sum(axis=0)[:, None] * np.ones_like(cache.up.w), db

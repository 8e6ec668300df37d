"""Known mistakes in tfx/ops/low_rank/low_rank_linear.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.low_rank.low_rank_linear import low_rank_linear
from tfx.gradcheck.mistake import Mistake
from tfx.ops.low_rank.low_rank_linear import LowRankLinearCache, low_rank_linear_backward


def low_rank_linear_through_w(dy: Any, cache: LowRankLinearCache) -> Any:
    """dV from x U is forgotten: V gets the gradient as if U were not there."""
    dx, du, _, db = low_rank_linear_backward(dy, cache)
    return dx, du, du.sum(axis=0)[:, None] * np.ones_like(cache.up.w), db


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="low_rank_linear",
        name="inner-product-forgotten",
        says="dV does not see x U",
        why="The product U V is treated as one matrix, and its second factor gets the gradient of the first.",
        hint="What was multiplied by V in the forward pass?",
        problem=low_rank_linear,
        wrong_backward=low_rank_linear_through_w,
    ),
)

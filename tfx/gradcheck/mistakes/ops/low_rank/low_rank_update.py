"""Known mistakes in tfx/ops/low_rank/low_rank_update.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.low_rank.low_rank_update import low_rank_update
from tfx.gradcheck.mistake import Mistake
from tfx.ops.low_rank.low_rank_update import LowRankUpdateCache, LowRankUpdateGrads, low_rank_update_backward


def update_unscaled(dupdated: Any, cache: LowRankUpdateCache) -> LowRankUpdateGrads:
    return low_rank_update_backward(dupdated, cache._replace(scale=1.0))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="low_rank_update",
        name="scale-forgotten",
        says="the scale is forgotten",
        why="The update A B is derived without the factor alpha / rank that stands before it.",
        hint="What multiplies A B before it is added to W?",
        problem=low_rank_update,
        wrong_backward=update_unscaled,
    ),
)

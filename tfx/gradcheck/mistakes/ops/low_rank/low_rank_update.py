"""Known mistakes in tfx/ops/low_rank/low_rank_update.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.low_rank.low_rank_update import low_rank_update
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.low_rank.low_rank_update import LowRankUpdateCache, LowRankUpdateGrads, low_rank_update_backward


@wrong_backward(low_rank_update)
def scale_forgotten(dupdated: Any, cache: LowRankUpdateCache) -> LowRankUpdateGrads:
    """The scale is forgotten.

    Why: The paper's equation has no factor in it; alpha / rank comes in the text below.
    Hint: What multiplies A B before it is added to W?
    """
    return low_rank_update_backward(dupdated, cache._replace(scale=1.0))

"""Known mistakes in tfx/ops/attention/grouped_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.grouped_attention import grouped
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.grouped_attention import GroupedAttentionGrads, grouped_attention_backward


@wrong_backward(grouped, op="grouped_attention")
def mean_over_the_group(dout: Any, cache: Any) -> GroupedAttentionGrads:
    """A shared key head gets a mean, not a sum.

    Keys that three query heads read get the mean of what they send back.

    Why: Heads of a group share one array, and sharing suggests an average.
    Hint: If a key head moves, each query head of its group moves: do these effects add up?
    """
    right = grouped_attention_backward(dout, cache)
    return right._replace(dk=right.dk / 3)

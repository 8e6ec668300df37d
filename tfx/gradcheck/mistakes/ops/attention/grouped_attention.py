"""Known mistakes in tfx/ops/attention/grouped_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.grouped_attention import grouped
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.grouped_attention import GroupedAttentionGrads, grouped_attention_backward


def grouped_mean_of_the_group(dout: Any, cache: Any) -> GroupedAttentionGrads:
    """Keys that three query heads read get the mean of what they send back."""
    right = grouped_attention_backward(dout, cache)
    return right._replace(dk=right.dk / 3)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="grouped_attention",
        name="mean-over-the-group",
        says="a shared key head gets a mean, not a sum",
        why="Heads of a group share one array, and sharing suggests an average.",
        hint="If a key head moves, each query head of its group moves: do these effects add up?",
        problem=grouped,
        wrong_backward=grouped_mean_of_the_group,
    ),
)

"""Known mistakes in tfx/ops/attention/head_mask.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.head_mask import head_mask
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.head_mask import HeadMaskCache, head_mask_backward


def head_mask_first_example_only(dy: Any, cache: HeadMaskCache) -> Any:
    dheads, _ = head_mask_backward(dy, cache)
    return dheads, (dy * cache.heads)[0].sum(axis=(-1, -2))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="head_mask",
        name="first-example-only",
        says="one example stands for the batch",
        why="The factor has one number for each head, so one example seems to be enough to find its gradient.",
        hint="How often is each factor used in a forward pass on a whole batch?",
        problem=head_mask,
        wrong_backward=head_mask_first_example_only,
    ),
)

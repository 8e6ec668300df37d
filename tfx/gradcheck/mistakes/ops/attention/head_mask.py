"""Known mistakes in tfx/ops/attention/head_mask.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.head_mask import head_mask
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.head_mask import HeadMaskCache, head_mask_backward


@wrong_backward(head_mask)
def first_example_only(dy: Any, cache: HeadMaskCache) -> Any:
    """One example stands for the batch.

    Why: The factor has one number for each head, so one example seems to be enough to find its gradient.
    Hint: How often is each factor used in a forward pass on a whole batch?
    """
    dheads, _ = head_mask_backward(dy, cache)
    return dheads, (dy * cache.heads)[0].sum(axis=(-1, -2))

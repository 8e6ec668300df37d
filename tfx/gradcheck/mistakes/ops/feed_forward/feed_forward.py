"""Known mistakes in tfx/ops/feed_forward/feed_forward.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.feed_forward import feed_forward
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.feed_forward import FeedForwardCache, FeedForwardGrads


@wrong_backward(feed_forward, name="gelu")
def activation_not_undone(dy: Any, cache: FeedForwardCache) -> FeedForwardGrads:
    """The activation is not undone.

    Why: Two linear backwards follow each other so neatly that what stands between them is skipped.
    Hint: Which three steps does the forward pass take, and which of them have you undone?
    """
    dhidden, dw2, db2 = linear_backward(dy, cache.second)
    dx, dw1, db1 = linear_backward(dhidden, cache.first)
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)

"""Known mistakes in tfx/ops/feed_forward/feed_forward.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.feed_forward import feed_forward
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.feed_forward import FeedForwardCache, FeedForwardGrads


def feed_forward_activation_skipped(dy: Any, cache: FeedForwardCache) -> FeedForwardGrads:
    dhidden, dw2, db2 = linear_backward(dy, cache.second)
    dx, dw1, db1 = linear_backward(dhidden, cache.first)
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="feed_forward",
        name="activation-not-undone",
        says="the activation is not undone",
        why="Two linear backwards follow each other so neatly that what stands between them is skipped.",
        hint="Which three steps does the forward pass take, and which of them have you undone?",
        problem=partial(feed_forward, name="gelu"),
        wrong_backward=feed_forward_activation_skipped,
    ),
)

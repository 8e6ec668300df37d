"""Known mistakes in tfx/ops/feed_forward/gated_feed_forward.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.gated_feed_forward import gated_feed_forward
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.gated import glu_backward
from tfx.ops.feed_forward.gated_feed_forward import (
    GatedFeedForwardCache,
    GatedFeedForwardGrads,
    gated_feed_forward_backward,
)


@wrong_backward(gated_feed_forward)
def one_of_two_gradients(dy: Any, cache: GatedFeedForwardCache) -> GatedFeedForwardGrads:
    """x gets one of its two gradients.

    Why: The gradient through one of the maps has the shape of x, so nothing seems to be missing.
    Hint: How many linear maps read x?
    """
    dhidden, _, _ = linear_backward(dy, cache.down)
    _, du = glu_backward(dhidden, cache.glu)
    return gated_feed_forward_backward(dy, cache)._replace(dx=linear_backward(du, cache.up)[0])

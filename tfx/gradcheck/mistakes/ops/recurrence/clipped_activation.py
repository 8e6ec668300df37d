"""Known mistakes in tfx/ops/recurrence/clipped_activation.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.recurrence.clipped_activation import clipped_activation
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.recurrence.clipped_activation import ClippedActivationCache


@wrong_backward(clipped_activation, activation="sigmoid", limit=0.8)
def limit_forgotten_behind_the_gate(dy: Any, cache: ClippedActivationCache) -> Any:
    """A gate beyond the limit gets the slope that it has at the limit.

    Why: The gate's own derivative is right, and the cut in front of it is easily forgotten.
    Hint: Two functions follow each other; which of them is flat where z is large?
    """
    return ACTIVATIONS[cache.activation][1](dy, cache.bent)

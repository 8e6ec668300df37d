"""Known mistakes in tfx/ops/recurrence/clipped_activation.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.recurrence.clipped_activation import clipped_activation
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.recurrence.clipped_activation import ClippedActivationCache


def gate_without_its_limit(dy: Any, cache: ClippedActivationCache) -> Any:
    """The slope of the activation at the limit, for a z that no longer moves it."""
    return ACTIVATIONS[cache.activation][1](dy, cache.bent)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="clipped_activation",
        name="limit-forgotten-behind-the-gate",
        says="a gate beyond the limit gets the slope that it has at the limit",
        why="The gate's own derivative is right, and the cut in front of it is easily forgotten.",
        hint="Two functions follow each other; which of them is flat where z is large?",
        problem=partial(clipped_activation, activation="sigmoid", limit=0.8),
        wrong_backward=gate_without_its_limit,
    ),
)

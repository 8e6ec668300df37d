"""Known mistakes in tfx/ops/small_numbers/straight_through.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.small_numbers.straight_through import LIMIT, straight_through
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.small_numbers.straight_through import StraightThroughCache


@wrong_backward(straight_through, limit=LIMIT)
def limit_forgotten(dy: Any, cache: StraightThroughCache) -> Any:
    """Numbers beyond the limit get a gradient.

    Why: Straight-through is remembered as "pass the gradient on", without the condition that goes with it.
    Hint: What does the forward pass do to a number far beyond the limit, and what if that number moves a little?
    """
    return dy

"""Known mistakes in tfx/ops/small_numbers/straight_through.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.small_numbers.straight_through import LIMIT, straight_through
from tfx.gradcheck.mistake import Mistake
from tfx.ops.small_numbers.straight_through import StraightThroughCache


def straight_through_limit_forgotten(dy: Any, cache: StraightThroughCache) -> Any:
    return dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="straight_through",
        name="limit-forgotten",
        says="numbers beyond the limit get a gradient",
        why='Straight-through is remembered as "pass the gradient on", without the condition that goes with it.',
        hint="What does the forward pass do to a number far beyond the limit, and what if that number moves a little?",
        problem=partial(straight_through, limit=LIMIT),
        wrong_backward=straight_through_limit_forgotten,
    ),
)

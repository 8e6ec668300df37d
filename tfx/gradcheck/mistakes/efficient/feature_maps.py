"""Known mistakes in tfx/efficient/feature_maps.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.feature_maps import EluPlusOneCache
from tfx.gradcheck.cases.efficient.feature_maps import elu_plus_one
from tfx.gradcheck.mistake import Mistake


def elu_of_the_wrong_side(dy: Any, cache: EluPlusOneCache) -> Any:
    """exp(x) on both sides: the 1 of the upper side forgotten."""
    return dy * (cache.slope - (cache.slope == 1) * 0.5)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="elu_plus_one",
        name="wrong-slope-above-zero",
        says="the wrong side",
        why="The function has two pieces, and the slope of one of them is carried over to the other.",
        hint="What is the slope for inputs above 0? Draw the two pieces.",
        problem=elu_plus_one,
        wrong_backward=elu_of_the_wrong_side,
    ),
)

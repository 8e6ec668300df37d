"""Known mistakes in tfx/efficient/feature_maps.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.feature_maps import EluPlusOneCache
from tfx.gradcheck.cases.efficient.feature_maps import elu_plus_one
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(elu_plus_one)
def wrong_slope_above_zero(dy: Any, cache: EluPlusOneCache) -> Any:
    """The wrong side.

    exp(x) on both sides: the 1 of the upper side forgotten.

    Why: The function has two pieces, and the slope of one of them is carried over to the other.
    Hint: What is the slope for inputs above 0? Draw the two pieces.
    """
    return dy * (cache.slope - (cache.slope == 1) * 0.5)

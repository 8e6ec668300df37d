"""Known mistakes in tfx/efficient/feature_maps.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.feature_maps import EluPlusOneCache
from tfx.gradcheck.cases.efficient.feature_maps import elu_plus_one
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(elu_plus_one)
def wrong_slope_above_zero(dy: Any, cache: EluPlusOneCache) -> Any:
    """The wrong side.

    exp(x) below 0, and nothing above it: the slope 1 of x + 1 is forgotten.

    Why: The exponential below 0 is the new part of the function, and the straight line beside it is passed over.
    Hint: What is the slope for inputs above 0? Draw the two pieces.
    """
    return dy * np.where(cache.slope < 1, cache.slope, 0)

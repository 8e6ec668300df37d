"""Known mistakes in tfx/ops/experts/cv_squared.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.cv_squared import cv_squared
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.cv_squared import CvSquaredCache


@wrong_backward(cv_squared)
def mean_is_constant(dy: Any, cache: CvSquaredCache) -> Any:
    """The mean is taken for a constant.

    Why: The variance draws all attention, and the mean by which it is divided is taken for a fixed unit.
    Hint: Double all numbers: the result must not change, so what must the gradient along x be?
    """
    return dy * 2 * cache.centred / (cache.centred.size * cache.mean * cache.mean)

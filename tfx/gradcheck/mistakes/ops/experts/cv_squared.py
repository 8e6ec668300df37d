"""Known mistakes in tfx/ops/experts/cv_squared.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.cv_squared import cv_squared
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.cv_squared import CvSquaredCache


def cv_mean_is_constant(dy: Any, cache: CvSquaredCache) -> Any:
    return dy * 2 * cache.centred / (cache.centred.size * cache.mean * cache.mean)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="cv_squared",
        name="mean-is-constant",
        says="the mean is taken for a constant",
        why="The variance is in view, and the mean below it in the fraction is taken for a mere unit.",
        hint="Double all numbers: the result must not change, so what must the gradient along x be?",
        problem=cv_squared,
        wrong_backward=cv_mean_is_constant,
    ),
)

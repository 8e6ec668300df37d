"""Cases of tfx/ops/experts/cv_squared.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.cv_squared import cv_squared_backward, cv_squared_forward


def cv_squared(rng: Rng) -> Problem:
    return Problem(cv_squared_forward, cv_squared_backward, {"x": 1.0 + rng.random(E)})


CASES: tuple[Case, ...] = (Case(cv_squared_backward, "positive numbers", cv_squared),)

"""Cases of tfx/efficient/feature_maps.py."""

from __future__ import annotations

from tfx.efficient.feature_maps import elu_plus_one_backward, elu_plus_one_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, D, Rng, T


def elu_plus_one(rng: Rng) -> Problem:
    return Problem(elu_plus_one_forward, elu_plus_one_backward, {"x": 3.0 * rng.standard_normal((B, T, D))})


CASES: tuple[Case, ...] = (Case(elu_plus_one_backward, "plain", elu_plus_one),)

"""Cases of tfx/ops/basics/mean_pool.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, D, Rng, S
from tfx.ops.basics.mean_pool import (
    mean_pool_backward,
    mean_pool_forward,
    repeat_places_backward,
    repeat_places_forward,
)


def mean_pool(rng: Rng, stride: int) -> Problem:
    return Problem(mean_pool_forward, mean_pool_backward, {"x": rng.standard_normal((B, S, D))}, {"stride": stride})


def padded(rng: Rng) -> Problem:
    keep = np.arange(S) < np.array([S - 2, 1, S, 0][:B])[:, None]
    inputs, fixed = {"x": rng.standard_normal((B, S, D))}, {"stride": 2, "keep": keep}
    return Problem(mean_pool_forward, mean_pool_backward, inputs, fixed)


def repeat_places(rng: Rng) -> Problem:
    inputs, fixed = {"x": rng.standard_normal((B, 3, D))}, {"stride": 3, "length": S}
    return Problem(repeat_places_forward, repeat_places_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(mean_pool_backward, "stride 2, odd length", lambda rng: mean_pool(rng, 2), linear=True),
    Case(mean_pool_backward, "stride 3", lambda rng: mean_pool(rng, 3), linear=True),
    Case(mean_pool_backward, "stride 2, padded", padded, linear=True),
    Case(repeat_places_backward, "stride 3, cut off", repeat_places, linear=True),
)

"""Cases of tfx/ops/feed_forward/erf.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.feed_forward.erf import erf_backward, erf_forward


def erf(rng: Rng) -> Problem:
    return Problem(erf_forward, erf_backward, {"x": 2.0 * rng.standard_normal((B, T, C))})


CASES: tuple[Case, ...] = (Case(erf_backward, "all three ranges", erf),)

"""Cases of tfx/ops/feed_forward/squareplus.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.feed_forward.squareplus import squareplus_backward, squareplus_forward


def squareplus(rng: Rng) -> Problem:
    return Problem(squareplus_forward, squareplus_backward, {"x": rng.standard_normal((B, T, C))}, {"b": 0.5})


CASES: tuple[Case, ...] = (Case(squareplus_backward, "b below 1", squareplus),)

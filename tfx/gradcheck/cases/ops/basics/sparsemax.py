"""Cases of tfx/ops/basics/sparsemax.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, some_allowed
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward

S = 6


def sparsemax(rng: Rng, scale: float = 1.0) -> Problem:
    """Drawn again until no score is near the threshold, where the kink is."""
    while True:
        x = scale * rng.standard_normal((B, T, S))
        y, _ = sparsemax_forward(x)
        tau = (x - y).min(axis=-1, keepdims=True, where=y > 0, initial=math.inf)
        if np.abs(x - tau).min() > 0.03:
            return Problem(sparsemax_forward, sparsemax_backward, {"x": x})


def blocked_sparsemax(rng: Rng) -> Problem:
    allowed = some_allowed(rng, (B, T, S))
    allowed[1, 2] = False
    return sparsemax(rng, scale=0.1)._replace(forward=_blocked, fixed={"allowed": allowed})


def _blocked(x: Any, allowed: Any) -> tuple[Any, Any]:
    return sparsemax_forward(xp_of(x).where(allowed, x, -math.inf).astype(x.dtype))


CASES: tuple[Case, ...] = (
    Case(sparsemax_backward, "small and large supports", sparsemax),
    Case(sparsemax_backward, "scores ten times smaller: everything in the support", partial(sparsemax, scale=0.1)),
    Case(sparsemax_backward, "blocked entries, one row of them", blocked_sparsemax),
)

"""Cases of tfx/ops/small_numbers/straight_through.py.

Rounding has no gradient: straight-through is checked against the function whose derivative it is, clip.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.ops.small_numbers.straight_through import straight_through_backward, straight_through_forward

LIMIT = 0.8


def _clip(x: Any, limit: float | None) -> Any:
    """The surrogate that the staircase follows; away from the corners it is linear."""
    y = x if limit is None else x.clip(-limit, limit)
    return y, straight_through_forward(x, x, limit)[1]


def straight_through(rng: Rng, limit: float | None = None) -> Problem:
    x = rng.standard_normal((B, T))
    x = np.where(np.abs(np.abs(x) - LIMIT) < 0.1, 0.5 * x, x)  # no corner within reach of a step
    return Problem(_clip, straight_through_backward, {"x": x}, {"limit": limit})


CASES: tuple[Case, ...] = (
    Case(straight_through_backward, "no limit", straight_through),
    Case(straight_through_backward, "limited", partial(straight_through, limit=LIMIT)),
)

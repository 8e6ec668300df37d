"""Cases of tfx/ops/positions/sinusoids.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import F, Rng, S
from tfx.ops.positions.sinusoids import sinusoids_backward, sinusoids_forward


def sinusoids(rng: Rng, positions: Any) -> Problem:
    return Problem(sinusoids_forward, sinusoids_backward, {"speeds": rng.random(F)}, {"positions": positions})


CASES: tuple[Case, ...] = (
    Case(sinusoids_backward, "places 0 to 6", partial(sinusoids, positions=np.arange(S))),
    Case(sinusoids_backward, "distances", partial(sinusoids, positions=np.array([2.5, 0.0, -1.0, -7.25]))),
)

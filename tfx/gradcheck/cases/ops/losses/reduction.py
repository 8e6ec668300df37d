"""Cases of tfx/ops/losses/reduction.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.ops.losses.reduction import reduction_backward, reduction_forward


def reduction(rng: Rng, kind: str) -> Problem:
    fixed = {"reduction": kind, "count": np.array(6)}
    return Problem(reduction_forward, reduction_backward, {"losses": rng.standard_normal((B, T))}, fixed)


CASES: tuple[Case, ...] = (
    *(Case(reduction_backward, kind, partial(reduction, kind=kind)) for kind in ("mean", "sum", "none")),
)

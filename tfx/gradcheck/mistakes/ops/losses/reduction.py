"""Known mistakes in tfx/ops/losses/reduction.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Problem
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward


def reduction(rng: Rng, kind: str) -> Problem:
    fixed = {"reduction": kind, "count": np.array(6)}
    return Problem(reduction_forward, reduction_backward, {"losses": rng.standard_normal((B, T))}, fixed)


@wrong_backward(reduction, kind="mean")
def mean_not_divided(dloss: Any, cache: ReductionCache) -> Any:
    """The mean is not divided.

    Why: A sum and a mean send the same number to every entry, and the factor 1 / n between them is easily dropped.
    Hint: What is the gradient of a mean of n numbers in one of them?
    """
    return reduction_backward(dloss, cache._replace(divisor=1))

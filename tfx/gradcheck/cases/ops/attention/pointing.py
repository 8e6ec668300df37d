"""Cases of tfx/ops/attention/pointing.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T
from tfx.ops.attention.pointing import pointing_backward, pointing_forward


def pointing(rng: Rng, smoothing: float = 0.0) -> Problem:
    """The weights need not sum to 1 for the derivative to be right."""
    weights = 0.1 + rng.random((B, H, T, S))
    fixed = {"rows": rng.integers(0, T, B), "targets": rng.integers(0, 3, B), "smoothing": smoothing}
    if smoothing:
        fixed["keep"] = np.arange(S) < np.array([[S], [4]])
    return Problem(pointing_forward, pointing_backward, {"weights": weights}, fixed)


CASES: tuple[Case, ...] = (
    Case(pointing_backward, "one row each", pointing),
    Case(pointing_backward, "smoothed, with padding", partial(pointing, smoothing=0.1)),
)

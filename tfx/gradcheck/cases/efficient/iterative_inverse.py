"""Cases of tfx/efficient/iterative_inverse.py."""

from __future__ import annotations

import numpy as np

from tfx.efficient.iterative_inverse import iterative_inverse_backward, iterative_inverse_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng


def iterative_inverse(rng: Rng, n_iterations: int, shape: tuple[int, ...] = (B, 4, 4)) -> Problem:
    a = rng.random(shape) + 2.0 * np.eye(shape[-2], shape[-1])
    return Problem(iterative_inverse_forward, iterative_inverse_backward, {"a": a}, {"n_iterations": n_iterations})


CASES: tuple[Case, ...] = (
    Case(iterative_inverse_backward, "start", lambda rng: iterative_inverse(rng, 0)),
    Case(iterative_inverse_backward, "three steps", lambda rng: iterative_inverse(rng, 3)),
    Case(iterative_inverse_backward, "more rows than columns", lambda rng: iterative_inverse(rng, 2, (B, 5, 3))),
)

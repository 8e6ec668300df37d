"""Cases of tfx/ops/basics/fertility.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, S
from tfx.ops.basics.fertility import copy_sources_backward, copy_sources_forward, fertility_sources, uniform_sources

FERTILITIES = np.array([[1, 0, 3, 2, 0, 1, 1], [0, 2, 0, 1, 0, 0, 0]])  # of S = 7 tokens; the sums are 8 and 3
N_TARGETS = 9


def copies(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, S, C))}
    fixed = {"sources": fertility_sources(FERTILITIES, N_TARGETS)}
    return Problem(copy_sources_forward, copy_sources_backward, inputs, fixed)


def even_copies(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, S, C))}
    fixed = {"sources": uniform_sources(np.array([7, 4]), np.array([5, 9]), N_TARGETS)}
    return Problem(copy_sources_forward, copy_sources_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(copy_sources_backward, "by fertility, some tokens three times, some never", copies),
    Case(copy_sources_backward, "evenly, by the lengths", even_copies),
)

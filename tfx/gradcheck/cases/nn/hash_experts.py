"""Cases of tfx/nn/hash_experts.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, Rng, T
from tfx.nn.feed_forward import FeedForwardSettings
from tfx.nn.hash_experts import HashExperts


def hash_experts(rng: Rng) -> Problem:
    layer = HashExperts(FeedForwardSettings(D, 3), np.array([2, 0, 1, 2, 0]), rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D)), "ids": rng.integers(0, 5, (B, T))})


CASES: tuple[Case, ...] = (Case(HashExperts, "three experts", hash_experts),)

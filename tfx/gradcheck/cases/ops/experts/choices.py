"""Choices of experts are constants: made once, or between logits so far apart that no step changes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.top_k_routing import choose_top_k

N, E, K = 7, 5, 2


def distinct_logits(rng: Rng, shape: tuple[int, ...] = (N, E)) -> np.ndarray:
    """Random order, gaps of at least 0.2 between any two logits of a token."""
    order = np.argsort(rng.random(shape), axis=-1)
    return 0.5 * (order - order.mean()) + 0.3 * rng.random(shape)


def a_choice(rng: Rng, k: int = K) -> np.ndarray:
    return choose_top_k(rng.standard_normal((N, E)), k)


def noisy_inputs(rng: Rng) -> dict[str, Any]:
    return {"clean": rng.standard_normal((N, E)), "spread": 0.5 + rng.random((N, E))}

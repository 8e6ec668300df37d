"""Soft-capping: numbers of any size squeezed into (-cap, cap), and left nearly as they are where they are small.

    y = cap * tanh(x / cap)

Scores of attention and logits grow in long runs until the softmax saturates; a cap of 50 for scores and 30 for logits
bounds them without the dead gradient of a hard limit.

Derivation.  tanh' = 1 - tanh^2, and the two factors cap and 1 / cap cancel:  dx = dy * (1 - (y / cap)^2).
Sources: Bello et al. 2017, "Neural Combinatorial Optimization with Reinforcement Learning", appendix A.1 (for scores);
Gemma Team 2024, "Gemma 2", section 2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class SoftCapCache(NamedTuple):
    t: Array  # tanh(x / cap)


@in_float32
def soft_cap_forward(x: Array, cap: float) -> tuple[Array, SoftCapCache]:
    """x: any shape, cap > 0 -> y of the same shape and dtype, |y| < cap.  Raises ValueError for another cap."""
    if not cap > 0:
        raise ValueError(f"a soft cap must be above 0, not {cap}")
    t = xp_of(x).tanh(x * (1.0 / cap))
    return t * cap, SoftCapCache(t)


@in_float32
def soft_cap_backward(dy: Array, cache: SoftCapCache) -> Array:
    """dy: shape of y -> dx."""
    return dy * (1 - cache.t * cache.t)  # y = cap * tanh(x / cap)

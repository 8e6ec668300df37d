"""Sinusoids: each position is a set of clock hands, pair i turning at its own speed w_i.

    A[n, i] = p_n w_i                     angle of hand i at position p_n        (n,) x (F,) -> (n, F)
    E[n, 2i] = sin A[n, i]      E[n, 2i + 1] = cos A[n, i]                       (n, 2F)

With w_i = base^(-2i / C) these are the positions of the Transformer (ops/positions/positions.py); the same speeds turn
queries and keys in ops/positions/rotary.py.  The speeds may also be learned, and then they need a gradient.

Derivation.  sin' = cos and cos' = -sin, so with dE from above

    dA[n, i] = dE[n, 2i] cos A[n, i] - dE[n, 2i + 1] sin A[n, i]
    dw_i = sum_n p_n dA[n, i]             A is linear in w, and position n multiplies by p_n: far places pull hardest

The sines and cosines that this needs are the output itself.
Sources: Vaswani et al. 2017, section 3.5; learned speeds: Wang et al. 2020, "Encoding word order in complex
embeddings", section 3, and Li et al. 2021, "Learnable Fourier Features for Multi-Dimensional Spatial Positional
Encoding", section 3.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class SinusoidsCache(NamedTuple):
    positions: Array
    sines: Array
    cosines: Array


def angular_speeds(width: int, base: float = 10000.0, xp: Any = np) -> Array:
    """-> (ceil(C / 2),) float64: base^(-2i / C), in radians per position, from 1 downwards.

    Raises ValueError for a width below 1 or a base that is not positive.
    """
    if width < 1 or base <= 0:
        raise ValueError(f"speeds need width >= 1 and base > 0, not width {width} and base {base}")
    return xp.exp(xp.arange(0, width, 2) * (-math.log(base) / width))


@in_float32
def sinusoids_forward(positions: Array, speeds: Array) -> tuple[Array, SinusoidsCache]:
    """positions: (n,) numbers, speeds: (F,) -> (n, 2F) in the dtype of the speeds: sine and cosine in turn, cache.

    Raises ValueError unless both have one axis.
    """
    if positions.ndim != 1 or speeds.ndim != 1:
        raise ValueError(f"positions and speeds must have one axis, not {positions.shape} and {speeds.shape}")
    xp = xp_of(speeds)
    positions = positions.astype(speeds.dtype)
    angles = positions[:, None] * speeds  # (n, 1) * (F,) -> (n, F)
    sines, cosines = xp.sin(angles), xp.cos(angles)
    in_turn = xp.stack((sines, cosines), axis=-1).reshape(positions.shape[0], 2 * speeds.shape[0])
    return in_turn, SinusoidsCache(positions, sines, cosines)


@in_float32
def sinusoids_backward(dy: Array, cache: SinusoidsCache) -> Array:
    """dy: (n, 2F) -> dspeeds: (F,).  Positions are counted, not learned."""
    positions, sines, cosines = cache
    dangles = dy[:, 0::2] * cosines - dy[:, 1::2] * sines  # in_turn = sin(angles), cos(angles)
    return positions @ dangles  # angles = positions * speeds

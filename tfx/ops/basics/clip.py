"""Clipping: numbers beyond a limit become the limit.

    y = min(max(x, -limit), limit)

Some recurrent networks clip the arguments of their gates.  Derivation: inside the limits y = x, so dx = dy; outside y
does not move, so dx = 0.  On a limit itself 1 is taken.
Source: the attribute `clip` of RNN, LSTM and GRU in the ONNX specification.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class ClipCache(NamedTuple):
    x: Array
    limit: float | None


@in_float32
def clip_forward(x: Array, limit: float | None) -> tuple[Array, ClipCache]:
    """x: any shape, float -> y of the same shape and dtype; limit None changes nothing.  NaN stays NaN.

    Raises ValueError for a limit that is not positive.
    """
    if limit is None:
        return x, ClipCache(x, None)
    if not limit > 0:
        raise ValueError(f"a clipping limit must be positive, not {limit}")
    xp = xp_of(x)
    return xp.minimum(xp.maximum(x, -limit), limit), ClipCache(x, limit)


@in_float32
def clip_backward(dy: Array, cache: ClipCache) -> Array:
    """dy: shape of x -> dx."""
    x, limit = cache
    return dy if limit is None else dy * ((x >= -limit) & (x <= limit))  # y = min(max(x, -limit), limit)

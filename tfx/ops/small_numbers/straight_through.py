"""The straight-through estimator: forward rounds, backward acts as if it had not.

    y = x_hat                       x after rounding: quantisation.py, binary_weights.py, or any other
    dx = dy where |x| <= limit      and 0 beyond it; without a limit dx = dy everywhere

This is NOT the derivative of forward.  x_hat is a staircase: its derivative is 0 almost everywhere, and nothing would
ever be learnt.  The estimator is the exact derivative of another function, clip(x, -limit, limit), that the staircase
follows; the gradient check is made against that one.  A limit matters where x can leave the range of the codes: beyond
it a step changes nothing in forward, and x would run away for ever (for signs, XNOR-Net takes limit 1).
Sources: Bengio, Leonard and Courville 2013, "Estimating or Propagating Gradients Through Stochastic Neurons", section
4; Hubara et al. 2016, "Binarized Neural Networks", section 1.3, equation 4.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class StraightThroughCache(NamedTuple):
    inside: Array | None  # boolean


@in_float32
def straight_through_forward(x: Array, x_hat: Array, limit: float | None = None) -> tuple[Array, StraightThroughCache]:
    """x: any shape, x_hat: x rounded, the same shape -> y = x_hat, cache.

    Raises ValueError when the shapes differ or the limit is not positive.
    """
    if x.shape != x_hat.shape:
        raise ValueError(f"x is {x.shape} but rounded {x_hat.shape}")
    if limit is not None and not limit > 0:
        raise ValueError(f"the limit must be above 0, not {limit}")
    return x_hat, StraightThroughCache(None if limit is None else (x.real >= -limit) & (x.real <= limit))


@in_float32
def straight_through_backward(dy: Array, cache: StraightThroughCache) -> Array:
    """dy: shape of x -> dx: the derivative of clip(x, -limit, limit), not of the rounding."""
    return dy if cache.inside is None else xp_of(dy).where(cache.inside, dy, 0).astype(dy.dtype)

"""Sparsemax: the distribution nearest to the scores.  Scores that are far behind get exactly 0.

    y = argmin |p - x|^2 over all p >= 0 that sum to 1
      = max(x - tau, 0)                                tau such that y sums to 1

Sort x downwards.  If the k largest are above tau, tau = (x_(1) + ... + x_(k) - 1) / k, and k is the largest j with
1 + j x_(j) > x_(1) + ... + x_(j).

Derivation.  On the support, where y > 0, y_i = x_i - tau with dtau/dx_j = 1/k, so dy_i/dx_j = delta_ij - 1/k there and
0 elsewhere.  For an upstream gradient dy

    dx_j = dy_j - mean of dy over the support          on the support
    dx_j = 0                                           elsewhere: a small step of x_j moves nothing

Where a score is exactly tau there is a kink.
Source: Martins and Astudillo 2016, "From Softmax to Sparsemax", sections 2.2 (closed form) and 2.5 (Jacobian).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class SparsemaxCache(NamedTuple):
    support: Array


@in_float32
def sparsemax_forward(x: Array) -> tuple[Array, SparsemaxCache]:
    """x: (..., S), float -> y: (..., S), not negative; rows sum to 1, and scores below tau give exactly 0.

    A row that is -inf everywhere gives zeros, and a row with NaN gives NaN.
    """
    if x.size == 0:
        return x.copy(), SparsemaxCache(x > 0)
    xp = xp_of(x)
    top = x.max(axis=-1, keepdims=True)
    blocked = top == -math.inf
    z = xp.where(blocked, 0, x - xp.where(blocked, 0, top)).astype(x.dtype)  # tau moves along with x
    ordered = xp.sort(z, axis=-1)[..., ::-1]
    sums = ordered.cumsum(axis=-1)
    ranks = xp.arange(1, x.shape[-1] + 1)
    # which scores count is decided by real parts: a complex step moves the numbers, not the choice
    k = (1 + ranks * ordered.real > sums.real).sum(axis=-1, keepdims=True)
    tau = (xp.take_along_axis(sums, k - 1, axis=-1) - 1) / k
    support = (z.real > tau.real) & ~blocked
    y = xp.where(support | xp.isnan(top), z - tau, 0).astype(x.dtype)
    return y, SparsemaxCache(support)


@in_float32
def sparsemax_backward(dy: Array, cache: SparsemaxCache) -> Array:
    """dy: (..., S) -> dx: (..., S)."""
    (support,) = cache
    xp = xp_of(dy)
    n = xp.maximum(support.sum(axis=-1, keepdims=True), 1).astype(dy.dtype)
    mean = xp.where(support, dy, 0).sum(axis=-1, keepdims=True) / n  # tau is 1/k of each score of the support
    return xp.where(support, dy - mean, 0).astype(dy.dtype)  # y = max(x - tau, 0)

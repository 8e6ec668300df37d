"""A weighted sum in which a weight of exactly 0 reads nothing, whatever stands there.

    y_i = sum over j with w_ij != 0 of w_ij x_j            weights @ x, but for 0 * inf and 0 * NaN, which are NaN

What a mask blocks has weight 0, and so has every gradient of its score.  Buffers whose filling was never written to
hold anything, NaN and infinity included, and none of it may reach a token that must not look there.  Such numbers are
rare, so the product is computed first and looked at; only what is not finite is computed again.

A card would have to wait for the look.  There the product is taken as it is: filling on a card has to be finite.
"""

from __future__ import annotations

import math

import numpy as np

from tfx.backend import Array, on_host


def weighted_sum(weights: Array, x: Array) -> Array:
    """weights: (..., T, S), x: (..., S, D) -> (..., T, D).  What a weight other than 0 meets counts, NaN included."""
    y = weights @ x
    if not on_host(y) or all_finite(y):
        return y
    odd = ~np.isfinite(x)
    touched = (weights != 0).astype(weights.dtype) @ odd.astype(weights.dtype) > 0  # (..., T, D)
    return np.where(touched, y, weights @ np.where(odd, 0, x)).astype(y.dtype, copy=False)


def summed_products(x: Array, dy: Array) -> Array:
    """x: (N, I), dy: (N, J) -> x^T dy: (I, J), for a map's weights.  A row whose gradient is 0 is not read."""
    dw = x.T @ dy
    if not on_host(dw) or all_finite(dw):
        return dw
    odd = ~np.isfinite(x)
    touched = odd.T.astype(dy.dtype) @ (dy != 0).astype(dy.dtype) > 0  # (I, J)
    return np.where(touched, dw, np.where(odd, 0, x).T @ dy).astype(dw.dtype, copy=False)


def where_read(gradient: Array, weights: Array) -> Array:
    """gradient: (..., T, S) of the weights -> the same, and 0 where a weight is 0 and the gradient no number."""
    if not on_host(gradient) or all_finite(gradient):
        return gradient
    return np.where((weights == 0) & ~np.isfinite(gradient), 0, gradient).astype(gradient.dtype, copy=False)


def all_finite(x: Array) -> bool:
    """Whether every number is finite; for numbers whose squares overflow, False as well."""
    flat = x.reshape(-1)
    return math.isfinite(abs(np.vdot(flat, flat)))

"""Softmax over one axis.

    y_i = exp(x_i) / sum_k exp(x_k)

Derivation.  Write Z = sum_k exp(x_k).  Then dy_i/dx_j = (delta_ij exp(x_i) Z - exp(x_i) exp(x_j)) / Z^2, that is

    dy_i/dx_j = y_i (delta_ij - y_j)                 the Jacobian, J = diag(y) - y y^T

so for an upstream gradient dy

    dx_j = sum_i dy_i y_i (delta_ij - y_j) = y_j (dy_j - sum_i dy_i y_i)

The backward never builds J; `softmax_jacobian` does, for lessons and for the test that both agree, and
`softmax_jacobian_norm` says how large it is.
In a few lines: `short_softmax` in ops/basics/short_forms.py.
Source: Bridle 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs".
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.sums import row_sums


class SoftmaxCache(NamedTuple):
    y: Array
    axis: int


@in_float32
def softmax_forward(x: Array, axis: int = -1, overwrite: bool = False) -> tuple[Array, SoftmaxCache]:
    """x: any shape, float -> y of the same shape and dtype; slices along `axis` sum to 1.

    overwrite: y takes the place of x, for a caller who made x and needs it no more.
    The maximum is subtracted first: it cancels in the quotient and keeps exp from overflowing.
    A slice that is -inf everywhere gives zeros (there is nothing to attend to); NaN stays NaN.
    """
    xp = xp_of(x)
    if x.size == 0:
        return x.copy(), SoftmaxCache(x, axis)
    top = x.max(axis=axis, keepdims=True)
    blocked = top == -math.inf
    y = xp.subtract(x, xp.where(blocked, 0, top).astype(x.dtype), out=x if overwrite else None)
    xp.exp(y, out=y)
    y /= xp.where(blocked, 1, _sums(y, axis)).astype(x.dtype)
    return y, SoftmaxCache(y, axis)


@in_float32
def softmax_backward(dy: Array, cache: SoftmaxCache) -> Array:
    """dy: shape of y -> dx of the same shape."""
    y, axis = cache
    dx = dy * y
    inner = _sums(dx, axis)  # forward divided by the sum: every output pulls on every input
    xp_of(y).subtract(dy, inner, out=dx)
    dx *= y
    return dx


def softmax_jacobian(y: Array) -> Array:
    """y: (..., S) softmax output -> J: (..., S, S) with J[i, j] = dy_i/dx_j = y_i (delta_ij - y_j)."""
    xp = xp_of(y)
    eye = xp.eye(y.shape[-1], dtype=y.dtype)
    return y[..., :, None] * (eye - y[..., None, :])


def softmax_jacobian_norm(y: Array) -> Array:
    """y: (..., S) softmax output -> the Frobenius norm of J: (...), without building J.

    |J|^2 = sum_i y_i^2 (1 - y_i)^2 + 2 sum_(i < j) y_i^2 y_j^2, a sum of positive terms: it keeps its digits in a row
    that is nearly one-hot, where sum y^2 - 2 sum y^3 + (sum y^2)^2, the same number on paper, loses them all.
    """
    squares = y * y
    before = squares.cumsum(axis=-1)[..., :-1]  # sum of y_i^2 over i < j, for j = 1 ...
    diagonal = (squares * (1 - y) * (1 - y)).sum(axis=-1)
    return xp_of(y).sqrt(diagonal + 2 * (squares[..., 1:] * before).sum(axis=-1))


def _sums(x: Array, axis: int) -> Array:
    return row_sums(x) if axis in (-1, x.ndim - 1) else x.sum(axis=axis, keepdims=True)

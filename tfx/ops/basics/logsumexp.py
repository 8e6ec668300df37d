"""Log-sum-exp over one axis or several: the smooth maximum, and the logarithm of softmax's denominator.

    y = log sum_k exp(x_k) = m + log sum_k exp(x_k - m)              for any m; m = max(x) keeps exp from overflowing

Derivation.  dy/dx_j = exp(x_j) / sum_k exp(x_k) = exp(x_j - y), so

    dx_j = dy exp(x_j - y)                 the gradient of log-sum-exp is softmax

max(x) <= y <= max(x) + log n, with equality on the right where all n numbers are equal.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32

Axes = int | tuple[int, ...] | None


class LogSumExpCache(NamedTuple):
    x: Array
    y: Array  # with every axis kept, of length 1 where it was summed
    kept_shape: tuple[int, ...]


@in_float32
def logsumexp_forward(x: Array, axis: Axes = -1, keepdims: bool = False) -> tuple[Array, LogSumExpCache]:
    """x: any shape, float; axis: one, several, or None for all -> y: x without them (or 1 there, with keepdims).

    Nothing to sum (length 0, or -inf everywhere) gives -inf, the log of 0, and no gradient; inf gives inf; NaN stays
    NaN.  The gradient of inf goes to the infinite numbers, in equal parts.
    """
    _, log_total, top = shifted_log_total(x, axis)
    y = log_total + top
    kept_shape = y.shape
    return y if keepdims else y.squeeze(_summed(x, axis)), LogSumExpCache(x, y, kept_shape)


@in_float32
def logsumexp_backward(dy: Array, cache: LogSumExpCache) -> Array:
    """dy: shape of y -> dx: shape of x."""
    x, y, kept_shape = cache
    xp = xp_of(x)
    y = xp.where(y == -math.inf, 0, y).astype(x.dtype)  # nothing was summed: exp(-inf - 0) = 0, not NaN
    infinite, peaks = y == math.inf, x == math.inf
    share = xp.exp(x - xp.where(infinite, xp.finfo(x.dtype).max, y))  # y = log sum exp(x)
    n_peaks = peaks.sum(axis=tuple(i for i, n in enumerate(kept_shape) if n == 1), keepdims=True)
    share = xp.where(infinite, peaks / xp.maximum(n_peaks, 1), share)  # next to infinity nothing else counts
    return (xp.asarray(dy, dtype=x.dtype).reshape(kept_shape) * share).astype(x.dtype, copy=False)


def shifted_log_total(x: Array, axis: Axes) -> tuple[Array, Array, Array]:
    """x - top, log sum exp(x - top), and top = max(x) over `axis` (kept, of length 1): the parts of log-sum-exp.

    top is finite for the first two, so that inf - inf never happens; where everything is -inf the log total is 0 and
    top -inf.
    """
    xp = xp_of(x)
    axes = _summed(x, axis)
    if not x.size:
        total = x.sum(axis=axes, keepdims=True)
        return x, total, total - math.inf
    shifted, top = minus_largest(x, axes)
    total = xp.exp(shifted).sum(axis=axes, keepdims=True)
    empty = total == 0
    log_total = xp.log(xp.where(empty, 1, total).astype(x.dtype))
    return shifted, log_total, xp.where(empty, -math.inf, top).astype(x.dtype)


def minus_largest(x: Array, axis: int | tuple[int, ...] = -1) -> tuple[Array, Array]:
    """x: any shape, with a number along `axis` -> x - top, and top: the largest along `axis`, kept, of length 1.

    top is finite, so that inf - inf never happens: the largest finite number stands for inf, its opposite for -inf.
    """
    xp = xp_of(x)
    farthest = float(xp.finfo(x.dtype).max)
    top = xp.minimum(xp.maximum(x.max(axis=axis, keepdims=True), -farthest), farthest)
    return x - top, top


def _summed(x: Array, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (axis,)

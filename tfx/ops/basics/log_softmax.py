"""Log-softmax over one axis: the logarithms of softmax's probabilities, without ever forming a probability.

    y_i = log p_i = x_i - log sum_k exp(x_k)

log(softmax(x)) would lose what log-softmax keeps: a probability below 1e-308 rounds to 0, and its logarithm to -inf.

Derivation.  dy_i/dx_j = delta_ij - p_j with p = exp(y), because the gradient of log-sum-exp is softmax.  So

    dx_j = sum_i dy_i (delta_ij - p_j) = dy_j - p_j sum_i dy_i

Every row of that Jacobian sums to 0: adding a constant to all x changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.logsumexp import shifted_log_total


class LogSoftmaxCache(NamedTuple):
    y: Array
    axis: int


@in_float32
def log_softmax_forward(x: Array, axis: int = -1) -> tuple[Array, LogSoftmaxCache]:
    """x: any shape, float -> y of the same shape and dtype; exp(y) sums to 1 along `axis`.

    An entry of -inf has log-probability -inf, and so has every entry of a slice that is -inf everywhere; NaN stays NaN.
    """
    shifted, log_total, _ = shifted_log_total(x, axis)
    y = shifted - log_total
    return y, LogSoftmaxCache(y, axis)


@in_float32
def log_softmax_backward(dy: Array, cache: LogSoftmaxCache) -> Array:
    """dy: shape of y -> dx of the same shape."""
    y, axis = cache
    return dy - xp_of(y).exp(y) * dy.sum(axis=axis, keepdims=True)  # every output subtracted the same log-sum-exp

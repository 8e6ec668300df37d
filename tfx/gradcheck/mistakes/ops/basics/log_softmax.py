"""Known mistakes in tfx/ops/basics/log_softmax.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.cases.ops.basics.log_softmax import log_softmax
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.log_softmax import LogSoftmaxCache
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward


@wrong_backward(log_softmax)
def sum_missing(dy: Any, cache: LogSoftmaxCache) -> Any:
    """The sum over the outputs is missing.

    Why: Only the diagonal is kept, as if each log-probability depended on its own logit alone.
    Hint: All outputs of a row contain the same log-sum-exp; what does each of them send back through it?
    """
    return dy * (1 - xp_of(cache.y).exp(cache.y))


@wrong_backward(log_softmax)
def backward_of_softmax(dy: Any, cache: LogSoftmaxCache) -> Any:
    """softmax's backward.

    Why: A softmax is computed on the way, so its backward is called, and the logarithm behind it is not undone.
    Hint: Is the output a probability or the logarithm of one?
    """
    return softmax_backward(dy, SoftmaxCache(xp_of(cache.y).exp(cache.y), cache.axis))

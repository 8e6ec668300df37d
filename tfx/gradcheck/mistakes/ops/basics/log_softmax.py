"""Known mistakes in tfx/ops/basics/log_softmax.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.cases.ops.basics.log_softmax import log_softmax
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.log_softmax import LogSoftmaxCache
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward


def log_softmax_without_sum(dy: Any, cache: LogSoftmaxCache) -> Any:
    return dy * (1 - xp_of(cache.y).exp(cache.y))


def log_softmax_log_forgotten(dy: Any, cache: LogSoftmaxCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(xp_of(cache.y).exp(cache.y), cache.axis))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="log_softmax",
        name="sum-missing",
        says="the sum over the outputs is missing",
        why="Only the diagonal is kept, as if each log-probability depended on its own logit alone.",
        hint="All outputs of a row contain the same log-sum-exp; what does each of them send back through it?",
        problem=log_softmax,
        wrong_backward=log_softmax_without_sum,
    ),
    Mistake(
        op="log_softmax",
        name="backward-of-softmax",
        says="softmax's backward",
        why="The names differ by a logarithm, and so does the derivative.",
        hint="Is the output a probability or the logarithm of one?",
        problem=log_softmax,
        wrong_backward=log_softmax_log_forgotten,
    ),
)

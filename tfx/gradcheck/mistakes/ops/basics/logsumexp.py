"""Known mistakes in tfx/ops/basics/logsumexp.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.logsumexp import logsumexp
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.logsumexp import LogSumExpCache, logsumexp_backward


def logsumexp_as_max(dy: Any, cache: LogSumExpCache) -> Any:
    dx = logsumexp_backward(dy, cache)
    return dx * (cache.x == cache.x.max(axis=-1, keepdims=True))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="logsumexp",
        name="all-to-the-largest",
        says="all goes to the largest",
        why="Log-sum-exp is taught as a smooth maximum, and the maximum's gradient is used for it.",
        hint="With two equal inputs, how much should each of them get?",
        problem=logsumexp,
        wrong_backward=logsumexp_as_max,
    ),
)

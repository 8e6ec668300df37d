"""Known mistakes in tfx/ops/basics/logsumexp.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.logsumexp import logsumexp
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.logsumexp import LogSumExpCache, logsumexp_backward


@wrong_backward(logsumexp)
def all_to_the_largest(dy: Any, cache: LogSumExpCache) -> Any:
    """All goes to the largest.

    Why: Log-sum-exp is taught as a smooth maximum, and the maximum's gradient is used for it.
    Hint: With two equal inputs, how much should each of them get?
    """
    dx = logsumexp_backward(dy, cache)
    return dx * (cache.x == cache.x.max(axis=-1, keepdims=True))

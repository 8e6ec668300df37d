"""Known mistakes in tfx/ops/attention/attend.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.attend import attend
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.attend import AttendCache, attend_backward_steps


@wrong_backward(attend)
def softmax_not_undone(dout: Any, cache: AttendCache) -> Any:
    """The softmax is not undone.

    Why: dP and dS have the same shape, and P and S are both called attention.
    Hint: The gradient that you have belongs to the weights; what was asked for?
    """
    steps = attend_backward_steps(dout, cache)
    return steps.dp, steps.dv

"""Known mistakes in tfx/ops/attention/attend.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.attend import attend
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.attend import AttendCache, attend_backward_steps


def attend_softmax_left_out(dout: Any, cache: AttendCache) -> Any:
    steps = attend_backward_steps(dout, cache)
    return steps.dp, steps.dv


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="attend",
        name="softmax-not-undone",
        says="the softmax is not undone",
        why="dP and dS have the same shape, and P and S are both called attention.",
        hint="The gradient that you have belongs to the weights; what was asked for?",
        problem=attend,
        wrong_backward=attend_softmax_left_out,
    ),
)

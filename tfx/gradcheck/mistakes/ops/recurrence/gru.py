"""Known mistakes in tfx/ops/recurrence/gru.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.recurrence.gru import gru
from tfx.gradcheck.cases.ops.recurrence.through_time import WIDTH, last_too
from tfx.gradcheck.mistake import Mistake
from tfx.ops.recurrence.gru import GruCache, GruGrads, gru_backward


def gru_other_reset(dh: Any, cache: GruCache, dlast: Any) -> GruGrads:
    """The forward resets and then multiplies; this backward is that of multiplying and then resetting."""
    w_n = cache.w_h[:, 2 * WIDTH :]
    swapped = [step._replace(read=step.h, u_n=step.h @ w_n) for step in cache.time.steps]
    return gru_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(swapped))), dlast)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gru",
        name="reset-in-the-other-place",
        says="the other place of the reset",
        why="There are two published forms of the GRU, and both are called GRU.",
        hint="Is the reset applied before or after the product with the recurrent matrix?",
        problem=gru,
        wrong_backward=last_too(gru_other_reset),
    ),
)

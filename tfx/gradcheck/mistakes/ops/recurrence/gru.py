"""Known mistakes in tfx/ops/recurrence/gru.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.recurrence.gru import gru
from tfx.gradcheck.cases.ops.recurrence.through_time import WIDTH, last_too
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.recurrence.gru import GruCache, GruGrads, gru_backward


@wrong_backward(gru, through=last_too)
def reset_in_the_other_place(dh: Any, cache: GruCache, dlast: Any) -> GruGrads:
    """The other place of the reset.

    The forward resets and then multiplies; this backward is that of multiplying and then resetting.

    Why: There are two published forms of the GRU, and both are called GRU.
    Hint: Is the reset applied before or after the product with the recurrent matrix?
    """
    w_n = cache.w_h[:, 2 * WIDTH :]
    swapped = [step._replace(read=step.h, u_n=step.h @ w_n) for step in cache.time.steps]
    return gru_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(swapped))), dlast)

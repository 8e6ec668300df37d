"""Known mistakes in tfx/ops/recurrence/rnn.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.recurrence.rnn import rnn
from tfx.gradcheck.cases.ops.recurrence.through_time import last_too
from tfx.gradcheck.mistake import Mistake
from tfx.ops.recurrence.rnn import RnnCache, RnnGrads, rnn_backward


def rnn_without_time(dh: Any, cache: RnnCache, dlast: Any) -> RnnGrads:
    """Every step is taken for the last: nothing flows back from the future."""
    return rnn_backward(dh, cache._replace(w_h=np.zeros_like(cache.w_h)), dlast)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="rnn",
        name="no-flow-through-time",
        says="nothing flows back through time",
        why="Each step is differentiated by itself, as if its old state were data.",
        hint="Which later outputs depend on the state of step t?",
        problem=rnn,
        wrong_backward=last_too(rnn_without_time),
    ),
)

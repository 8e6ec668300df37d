"""Known mistakes in tfx/ops/recurrence/lstm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.recurrence.lstm import lstm
from tfx.gradcheck.cases.ops.recurrence.through_time import last_too
from tfx.gradcheck.mistake import Mistake
from tfx.ops.recurrence.lstm import LstmCache, LstmGrads, lstm_backward


def lstm_without_cell_path(dh: Any, cache: LstmCache, dlast: Any) -> LstmGrads:
    """Backpropagation takes h back through time and forgets that the cell goes there too."""
    closed = [step._replace(f=step.f._replace(y=np.zeros_like(step.f.y))) for step in cache.time.steps]
    return lstm_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(closed))), dlast)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="lstm",
        name="cell-path-forgotten",
        says="the cell carries nothing back",
        why="The state h is what is seen outside, so only h is taken back through time.",
        hint="An LSTM hands on two things from step to step; which of them is missing?",
        problem=lstm,
        wrong_backward=last_too(lstm_without_cell_path),
    ),
)

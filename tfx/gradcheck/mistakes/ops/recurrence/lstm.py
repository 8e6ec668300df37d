"""Known mistakes in tfx/ops/recurrence/lstm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.recurrence.lstm import lstm
from tfx.gradcheck.cases.ops.recurrence.through_time import last_too
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.recurrence.lstm import LstmCache, LstmGrads, lstm_backward


@wrong_backward(lstm, through=last_too)
def cell_path_forgotten(dh: Any, cache: LstmCache, dlast: Any) -> LstmGrads:
    """The cell carries nothing back.

    Backpropagation takes h back through time and forgets that the cell goes there too.

    Why: The state h is what is seen outside, so only h is taken back through time.
    Hint: An LSTM hands on two things from step to step; which of them is missing?
    """
    closed = [step._replace(f=step.f._replace(y=np.zeros_like(step.f.y))) for step in cache.time.steps]
    return lstm_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(closed))), dlast)

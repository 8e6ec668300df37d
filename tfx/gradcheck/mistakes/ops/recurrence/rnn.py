"""Known mistakes in tfx/ops/recurrence/rnn.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.recurrence.rnn import rnn
from tfx.gradcheck.cases.ops.recurrence.through_time import last_too
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.recurrence.rnn import RnnCache, RnnGrads, rnn_backward


@wrong_backward(rnn, through=last_too)
def no_flow_through_time(dh: Any, cache: RnnCache, dlast: Any) -> RnnGrads:
    """Nothing flows back through time.

    Every step is taken for the last: nothing flows back from the future.

    Why: Each step is differentiated by itself, as if its old state were data.
    Hint: Which later outputs depend on the state of step t?
    """
    return rnn_backward(dh, cache._replace(w_h=np.zeros_like(cache.w_h)), dlast)

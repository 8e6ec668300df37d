"""Known mistakes in tfx/ops/basics/dropout.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.dropout import dropout
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.dropout import DropoutCache


@wrong_backward(dropout)
def scale_forgotten(dy: Any, cache: DropoutCache) -> Any:
    """Kept numbers are not scaled.

    Why: Dropout is remembered as a mask of zeros and ones, and the division by the keep rate is forgotten.
    Hint: By what number was a kept entry multiplied in the forward pass?
    """
    return dy * (np.asarray(cache.multiplier) > 0)

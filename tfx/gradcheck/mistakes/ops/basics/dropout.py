"""Known mistakes in tfx/ops/basics/dropout.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.dropout import dropout
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.dropout import DropoutCache


def dropout_not_rescaled(dy: Any, cache: DropoutCache) -> Any:
    return dy * (np.asarray(cache.multiplier) > 0)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="dropout",
        name="scale-forgotten",
        says="kept numbers are not scaled",
        why="Dropout is remembered as a mask of zeros and ones, and the division by the keep rate is forgotten.",
        hint="By what number was a kept entry multiplied in the forward pass?",
        problem=dropout,
        wrong_backward=dropout_not_rescaled,
    ),
)

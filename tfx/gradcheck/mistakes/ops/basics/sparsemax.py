"""Known mistakes in tfx/ops/basics/sparsemax.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.sparsemax import sparsemax
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.sparsemax import SparsemaxCache


@wrong_backward(sparsemax)
def threshold_is_constant(dy: Any, cache: SparsemaxCache) -> Any:
    """The threshold is taken for a constant.

    Why: The output looks like a ReLU of shifted scores, and a shift is usually a given number.
    Hint: Do the outputs still sum to 1 after one score has moved, if the threshold stays?
    """
    return np.where(cache.support, dy, 0)


@wrong_backward(sparsemax)
def mean_over_the_row(dy: Any, cache: SparsemaxCache) -> Any:
    """The mean is taken over the whole row.

    Why: A mean over the row is one call, and for scores that lie close together everything is in the support anyway.
    Hint: Which scores had a part in the threshold?
    """
    return np.where(cache.support, dy - dy.mean(axis=-1, keepdims=True), 0)

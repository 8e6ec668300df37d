"""Known mistakes in tfx/ops/basics/sparsemax.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.sparsemax import sparsemax
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.sparsemax import SparsemaxCache


def sparsemax_threshold_is_constant(dy: Any, cache: SparsemaxCache) -> Any:
    return np.where(cache.support, dy, 0)


def sparsemax_mean_over_the_row(dy: Any, cache: SparsemaxCache) -> Any:
    return np.where(cache.support, dy - dy.mean(axis=-1, keepdims=True), 0)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="sparsemax",
        name="threshold-is-constant",
        says="the threshold is taken for a constant",
        why="The output looks like a ReLU of shifted scores, and a shift is usually a given number.",
        hint="Do the outputs still sum to 1 after one score has moved, if the threshold stays?",
        problem=sparsemax,
        wrong_backward=sparsemax_threshold_is_constant,
    ),
    Mistake(
        op="sparsemax",
        name="mean-over-the-row",
        says="the mean is taken over the whole row",
        why="A mean over the row is one call, and for small scores everything is in the support anyway.",
        hint="Which scores had a part in the threshold?",
        problem=sparsemax,
        wrong_backward=sparsemax_mean_over_the_row,
    ),
)

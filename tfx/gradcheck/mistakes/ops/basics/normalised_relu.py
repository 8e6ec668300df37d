"""Known mistakes in tfx/ops/basics/normalised_relu.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.normalised_relu import normalised_relu
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.normalised_relu import NormalisedReluCache
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward


def normalised_relu_sum_is_constant(dy: Any, cache: NormalisedReluCache) -> Any:
    return np.where(cache.positive, dy / cache.divisor, 0)


def normalised_relu_as_softmax(dy: Any, cache: NormalisedReluCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(cache.y, -1))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="normalised_relu",
        name="sum-is-constant",
        says="the sum of the row is taken for a constant",
        why="Dividing by a number that was computed before looks like a change of scale.",
        hint="Does the divisor of a row change when one of its positive scores grows?",
        problem=normalised_relu,
        wrong_backward=normalised_relu_sum_is_constant,
    ),
    Mistake(
        op="normalised_relu",
        name="backward-of-softmax",
        says="softmax's backward",
        why="Both give rows of shares, and softmax's formula needs nothing but these shares.",
        hint="Where in softmax's derivation is it used that the derivative of exp is exp?",
        problem=normalised_relu,
        wrong_backward=normalised_relu_as_softmax,
    ),
)

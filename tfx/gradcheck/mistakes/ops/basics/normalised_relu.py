"""Known mistakes in tfx/ops/basics/normalised_relu.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.normalised_relu import normalised_relu
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.normalised_relu import NormalisedReluCache
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward


@wrong_backward(normalised_relu)
def sum_is_constant(dy: Any, cache: NormalisedReluCache) -> Any:
    """The sum of the row is taken for a constant.

    Why: A row is divided by one number, and that this number was added up from the row itself is forgotten.
    Hint: Does the divisor of a row change when one of its positive scores grows?
    """
    return np.where(cache.positive, dy / cache.divisor, 0)


@wrong_backward(normalised_relu)
def backward_of_softmax(dy: Any, cache: NormalisedReluCache) -> Any:
    """softmax's backward.

    Why: Both give rows of shares, and softmax's formula needs nothing but these shares.
    Hint: Where in softmax's derivation is it used that the derivative of exp is exp?
    """
    return softmax_backward(dy, SoftmaxCache(cache.y, -1))

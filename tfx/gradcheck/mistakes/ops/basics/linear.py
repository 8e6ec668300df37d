"""Known mistakes in tfx/ops/basics/linear.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.linear import linear
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.linear import LinearCache, linear_backward


@wrong_backward(linear)
def bias_averaged(dy: Any, cache: LinearCache) -> Any:
    """db is a mean instead of a sum.

    Why: A loss is often a mean over the batch, and that division is done a second time here.
    Hint: If b grows by 1, how many rows of the output grow?
    """
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


@wrong_backward(linear)
def weight_transposed(dy: Any, cache: LinearCache) -> Any:
    """dW is transposed.

    Why: Some libraries store W as (out, in) and some as (in, out), and formulas are copied between them.
    Hint: Which shape has W, and which shape has your dW?
    """
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw.T, db

"""Known mistakes in tfx/ops/basics/linear.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.linear import linear
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.linear import LinearCache, linear_backward


def linear_bias_averaged(dy: Any, cache: LinearCache) -> Any:
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


def linear_weight_transposed(dy: Any, cache: LinearCache) -> Any:
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw.T, db


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="linear",
        name="bias-averaged",
        says="db is a mean instead of a sum",
        why="A loss is often a mean over the batch, and that division is done a second time here.",
        hint="If b grows by 1, how many rows of the output grow?",
        problem=linear,
        wrong_backward=linear_bias_averaged,
    ),
    Mistake(
        op="linear",
        name="weight-transposed",
        says="dW is transposed",
        why="Some libraries store W as (out, in) and some as (in, out), and formulas are copied between them.",
        hint="Which shape has W, and which shape has your dW?",
        problem=linear,
        wrong_backward=linear_weight_transposed,
    ),
)

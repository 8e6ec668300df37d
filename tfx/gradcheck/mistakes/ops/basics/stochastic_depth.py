"""Known mistakes in tfx/ops/basics/stochastic_depth.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.stochastic_depth import stochastic_depth
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.stochastic_depth import StochasticDepthCache, stochastic_depth_backward


def forgets_that_it_was_left_out(dy: Any, cache: StochasticDepthCache) -> Any:
    return dy, dy


def dims_the_residual(dy: Any, cache: StochasticDepthCache) -> Any:
    _, dbranch = stochastic_depth_backward(dy, cache)
    return dbranch, dbranch


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="stochastic_depth",
        name="dropped-branch-answers",
        says="a branch that was left out gets gradient",
        why="The sum of residual and branch sends one gradient both ways, and the multiplier of the branch is skipped.",
        hint="What did a sample's output hear of its branch when the branch was left out?",
        problem=stochastic_depth,
        wrong_backward=forgets_that_it_was_left_out,
    ),
    Mistake(
        op="stochastic_depth",
        name="residual-dropped",
        says="the residual is left out with its branch",
        why="One multiplier is applied to the whole block and not to the branch alone.",
        hint="Which of the two terms of the sum did the forward pass multiply?",
        problem=stochastic_depth,
        wrong_backward=dims_the_residual,
    ),
)

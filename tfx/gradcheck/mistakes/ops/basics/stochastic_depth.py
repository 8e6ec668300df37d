"""Known mistakes in tfx/ops/basics/stochastic_depth.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.stochastic_depth import stochastic_depth
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.stochastic_depth import StochasticDepthCache, stochastic_depth_backward


@wrong_backward(stochastic_depth)
def dropped_branch_answers(dy: Any, cache: StochasticDepthCache) -> Any:
    """A branch that was left out gets gradient.

    Why: The sum of residual and branch sends one gradient both ways, and the multiplier of the branch is skipped.
    Hint: What did a sample's output hear of its branch when the branch was left out?
    """
    return dy, dy


@wrong_backward(stochastic_depth)
def residual_dropped(dy: Any, cache: StochasticDepthCache) -> Any:
    """The residual is left out with its branch.

    Why: Leaving out a layer is read as leaving out all that stands in its line, and the residual stands there too.
    Hint: Which of the two terms of the sum did the forward pass multiply?
    """
    _, dbranch = stochastic_depth_backward(dy, cache)
    return dbranch, dbranch

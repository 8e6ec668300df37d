"""Known mistakes in tfx/ops/experts/expert_dispatch.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_dispatch import combine, dispatch
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.expert_dispatch import CombineCache, DispatchPlan, combine_backward


@wrong_backward(dispatch)
def first_choice_only(dslots: Any, cache: DispatchPlan) -> Any:
    """Only the first copy answers.

    Why: A token is one row of x, and one row of gradient seems to be its due.
    Hint: To how many experts was each token sent?
    """
    return dslots[cache.rows[:, 0]]


@wrong_backward(combine)
def gates_forgotten(dy: Any, cache: CombineCache) -> Any:
    """The gates are forgotten.

    Why: Combining is thought of as bringing rows back to their places, and that they are weighted is left out.
    Hint: By what was each expert's output multiplied before it was added?
    """
    return dy[cache.plan.tokens], combine_backward(dy, cache)[1]


@wrong_backward(combine)
def orders_mixed_up(dy: Any, cache: CombineCache) -> Any:
    """Gates and rows in different orders.

    The gates are left in the order of the tokens, the rows are in that of the experts.

    Why: Rows are sorted by expert while the gates stay sorted by token, and both have the same length.
    Hint: Name the order of each array before you multiply the two.
    """
    dout = cache.gates.reshape(-1)[:, None] * dy[cache.plan.tokens]
    return dout, combine_backward(dy, cache)[1]

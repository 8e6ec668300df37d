"""Known mistakes in tfx/ops/experts/expert_dispatch.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_dispatch import combine, dispatch
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.expert_dispatch import CombineCache, DispatchPlan, combine_backward


def dispatch_first_choice_only(dslots: Any, cache: DispatchPlan) -> Any:
    return dslots[cache.rows[:, 0]]


def combine_gates_forgotten(dy: Any, cache: CombineCache) -> Any:
    return dy[cache.plan.tokens], combine_backward(dy, cache)[1]


def combine_rows_not_sorted(dy: Any, cache: CombineCache) -> Any:
    """The gates are left in the order of the tokens, the rows are in that of the experts."""
    dout = cache.gates.reshape(-1)[:, None] * dy[cache.plan.tokens]
    return dout, combine_backward(dy, cache)[1]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="dispatch",
        name="first-choice-only",
        says="only the first copy answers",
        why="A token is one row of x, and one row of gradient seems to be its due.",
        hint="To how many experts was each token sent?",
        problem=dispatch,
        wrong_backward=dispatch_first_choice_only,
    ),
    Mistake(
        op="combine",
        name="gates-forgotten",
        says="the gates are forgotten",
        why="Combining is thought of as bringing rows back to their places, and that they are weighted is left out.",
        hint="By what was each expert's output multiplied before it was added?",
        problem=combine,
        wrong_backward=combine_gates_forgotten,
    ),
    Mistake(
        op="combine",
        name="orders-mixed-up",
        says="gates and rows in different orders",
        why="Rows are sorted by expert while the gates stay sorted by token, and both have the same length.",
        hint="Name the order of each array before you multiply the two.",
        problem=combine,
        wrong_backward=combine_rows_not_sorted,
    ),
)

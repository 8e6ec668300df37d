"""Known mistakes in tfx/ops/experts/expert_importance.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_importance import expert_importance
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.expert_importance import ExpertImportanceCache


def importance_is_a_count(dimportance: Any, cache: ExpertImportanceCache) -> Any:
    return 0 * dimportance[cache.experts]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="expert_importance",
        name="gates-counted",
        says="gates are counted, not added",
        why="Importance is confused with load: how often an expert is chosen, and not how strongly.",
        hint="Does the result change when a gate grows and the choice stays the same?",
        problem=expert_importance,
        wrong_backward=importance_is_a_count,
    ),
)

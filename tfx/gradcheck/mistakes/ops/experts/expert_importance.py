"""Known mistakes in tfx/ops/experts/expert_importance.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_importance import expert_importance
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.expert_importance import ExpertImportanceCache


@wrong_backward(expert_importance)
def gates_counted(dimportance: Any, cache: ExpertImportanceCache) -> Any:
    """Gates are counted, not added.

    Why: Importance is confused with load: how often an expert is chosen, and not how strongly.
    Hint: Does the result change when a gate grows and the choice stays the same?
    """
    return 0 * dimportance[cache.experts]

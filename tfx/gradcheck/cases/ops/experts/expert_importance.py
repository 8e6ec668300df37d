"""Cases of tfx/ops/experts/expert_importance.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, K, N, a_choice
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.expert_importance import expert_importance_backward, expert_importance_forward


def expert_importance(rng: Rng) -> Problem:
    fixed = {"experts": a_choice(rng), "n_experts": E}
    return Problem(expert_importance_forward, expert_importance_backward, {"gates": rng.random((N, K))}, fixed)


CASES: tuple[Case, ...] = (Case(expert_importance_backward, "two choices", expert_importance),)

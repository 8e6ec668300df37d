"""Cases of tfx/ops/experts/expert_load.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, K, distinct_logits, noisy_inputs
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.expert_load import expert_load_backward, expert_load_forward


def expert_load(rng: Rng, k: int = K) -> Problem:
    inputs = noisy_inputs(rng) | {"noisy": distinct_logits(rng)}
    return Problem(expert_load_forward, expert_load_backward, inputs, {"k": k})


CASES: tuple[Case, ...] = (
    Case(expert_load_backward, "two choices", expert_load),
    Case(expert_load_backward, "one choice", partial(expert_load, k=1)),
    Case(expert_load_backward, "all but one", partial(expert_load, k=E - 1)),
)

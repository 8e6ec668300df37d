"""Cases of tfx/nn/soft_experts.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, Rng, T
from tfx.nn.feed_forward import FeedForwardSettings
from tfx.nn.soft_experts import SoftExperts


def soft_experts(rng: Rng, n_slots: int = 2) -> Problem:
    layer = SoftExperts(FeedForwardSettings(D, 3, activation="swiglu"), rng, n=3, n_slots=n_slots)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D))})


CASES: tuple[Case, ...] = (
    Case(SoftExperts, "two slots for each expert", soft_experts),
    Case(SoftExperts, "one slot for each expert", partial(soft_experts, n_slots=1)),
)

"""Cases of tfx/ops/losses/soft_cross_entropy.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.losses.targets import kept_tokens
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward


def soft_cross_entropy(rng: Rng, kept: int | None = None, weighted: bool = False, **settings: Any) -> Problem:
    """The targets are positive and do not sum to 1: their gradient is that of any numbers."""
    inputs = {"logits": rng.standard_normal((B, T, V)), "targets": rng.uniform(0.1, 1.0, (B, T, V))}
    if weighted:
        inputs["class_weights"] = rng.uniform(0.2, 3.0, V)
    settings["keep"] = kept_tokens(rng, kept)
    return Problem(soft_cross_entropy_forward, soft_cross_entropy_backward, inputs, settings)


CASES: tuple[Case, ...] = (
    Case(soft_cross_entropy_backward, "plain", soft_cross_entropy),
    Case(
        soft_cross_entropy_backward,
        "class weights, smoothing and keep",
        partial(soft_cross_entropy, weighted=True, smoothing=0.3, kept=6),
    ),
    Case(soft_cross_entropy_backward, "one loss a token", partial(soft_cross_entropy, reduction="none")),
)

"""Cases of tfx/ops/losses/negative_log_likelihood.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.losses.cross_entropy import cross_entropy
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_backward, negative_log_likelihood_forward


def negative_log_likelihood(rng: Rng, weighted: bool = False, **settings: Any) -> Problem:
    made = cross_entropy(rng, weighted=weighted, **settings)
    fixed = {name: value for name, value in made.fixed.items() if name != "smoothing"}
    inputs = {"log_probs": made.inputs["logits"] - 3.0}
    return Problem(negative_log_likelihood_forward, negative_log_likelihood_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(negative_log_likelihood_backward, "plain", negative_log_likelihood),
    Case(
        negative_log_likelihood_backward,
        "class weights and keep",
        partial(negative_log_likelihood, weighted=True, kept=6),
    ),
    Case(negative_log_likelihood_backward, "one loss a token", partial(negative_log_likelihood, reduction="none")),
)

"""Cases of tfx/ops/losses/marginal_likelihood.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.ops.losses.marginal_likelihood import marginal_likelihood_backward, marginal_likelihood_forward

K = 4


def marginal(rng: Rng, per: str, words: int = T) -> Problem:
    inputs = {"scores": rng.standard_normal((B, K)), "log_likelihoods": -2 * rng.random((B, K, words))}
    return Problem(marginal_likelihood_forward, marginal_likelihood_backward, inputs, {"per": per})


CASES: tuple[Case, ...] = (
    Case(marginal_likelihood_backward, "one document for the whole answer", partial(marginal, per="sequence")),
    Case(marginal_likelihood_backward, "each word from another document", partial(marginal, per="token")),
    Case(marginal_likelihood_backward, "answers of one word", partial(marginal, per="sequence", words=1)),
)

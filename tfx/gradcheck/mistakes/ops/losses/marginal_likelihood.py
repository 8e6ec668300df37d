"""Known mistakes in tfx/ops/losses/marginal_likelihood.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.marginal_likelihood import marginal
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.marginal_likelihood import MarginalLikelihoodCache, marginal_likelihood_backward


def prior_for_posterior(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """The reader learns from each document as much as was believed in it, before the answer was seen."""
    dscores, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    prior = np.exp(cache.prior.y)[..., None]
    return dscores, dy[:, None, None] * prior + np.zeros_like(dlog_likelihoods)


def posterior_alone(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """Scores rise by the posterior, with nothing taken off: the softmax of the prior is forgotten."""
    _, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    return dlog_likelihoods[..., 0], dlog_likelihoods


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="marginal_likelihood",
        name="prior-for-posterior",
        says="the prior in place of the posterior",
        why="The prior is what the forward pass multiplies with, so it is used as the weight on the way back.",
        hint="The loss is a logarithm of a sum; what does its derivative divide by?",
        problem=partial(marginal, per="sequence"),
        wrong_backward=prior_for_posterior,
    ),
    Mistake(
        op="marginal_likelihood",
        name="prior-not-subtracted",
        says="the prior is not taken off",
        why="The posterior is the well-known half of the answer, and the softmax over documents is forgotten.",
        hint="Scores pass a softmax first: what does adding a constant to all scores change?",
        problem=partial(marginal, per="sequence"),
        wrong_backward=posterior_alone,
    ),
)

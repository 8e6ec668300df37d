"""Known mistakes in tfx/ops/losses/marginal_likelihood.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.marginal_likelihood import marginal
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.marginal_likelihood import MarginalLikelihoodCache, marginal_likelihood_backward


@wrong_backward(marginal, op="marginal_likelihood", per="sequence")
def prior_for_posterior(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """The prior in place of the posterior.

    The reader learns from each document as much as was believed in it, before the answer was seen.

    Why: The prior is what the forward pass multiplies with, so it is used as the weight on the way back.
    Hint: The loss is a logarithm of a sum; what does its derivative divide by?
    """
    dscores, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    prior = np.exp(cache.prior.y)[..., None]
    return dscores, dy[:, None, None] * prior + np.zeros_like(dlog_likelihoods)


@wrong_backward(marginal, op="marginal_likelihood", per="sequence")
def prior_not_subtracted(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """The prior is not taken off.

    Scores rise by the posterior, with nothing taken off.

    Why: The gradient of the log prior is the posterior, and that the prior is a softmax of the scores is forgotten.
    Hint: Scores pass a softmax first: what does adding a constant to all scores change?
    """
    _, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    return dlog_likelihoods[..., 0], dlog_likelihoods

"""Known mistakes in tfx/ops/losses/negative_log_likelihood.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.negative_log_likelihood import negative_log_likelihood
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.negative_log_likelihood import NegativeLogLikelihoodCache, negative_log_likelihood_backward


@wrong_backward(negative_log_likelihood)
def gradient_of_the_logits(dloss: Any, cache: NegativeLogLikelihoodCache) -> Any:
    """The gradient of the logits is taken for that of the log-probabilities.

    p - q, which is the gradient of the logits below a softmax, where that of the log-probabilities was asked.

    Why: Cross-entropy and negative log-likelihood are used as two names for one thing.
    Hint: What is the input of this loss: logits or log-probabilities?
    """
    return negative_log_likelihood_backward(dloss, cache) + np.exp(cache.log_probs) * dloss / cache.targets.n_counted

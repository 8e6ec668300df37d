"""Known mistakes in tfx/ops/losses/negative_log_likelihood.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.negative_log_likelihood import negative_log_likelihood
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.negative_log_likelihood import NegativeLogLikelihoodCache, negative_log_likelihood_backward


def negative_log_likelihood_everywhere(dloss: Any, cache: NegativeLogLikelihoodCache) -> Any:
    """p - q, which is the gradient of the logits below a softmax, where that of the log-probabilities was asked."""
    return negative_log_likelihood_backward(dloss, cache) + np.exp(cache.log_probs) * dloss / cache.targets.n_counted


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="negative_log_likelihood",
        name="gradient-of-the-logits",
        says="the gradient of the logits is taken for that of the log-probabilities",
        why="Cross-entropy and negative log-likelihood are used as two names for one thing.",
        hint="What is the input of this loss: logits or log-probabilities?",
        problem=negative_log_likelihood,
        wrong_backward=negative_log_likelihood_everywhere,
    ),
)

"""Known mistakes in tfx/ops/losses/negative_sampling.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.negative_sampling import negative_sampling
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.negative_sampling import NegativeSamplingCache, negative_sampling_backward


@wrong_backward(negative_sampling)
def noise_attracts(dloss: Any, cache: NegativeSamplingCache) -> Any:
    """Random words attract.

    The random words are drawn near as the real one is: the sign of their part is forgotten.

    Why: The real pair and the random pairs have the same form, except for one sign.
    Hint: Should the vector of a random word move towards the word or away from it?
    """
    grads = negative_sampling_backward(dloss, cache)
    real = negative_sampling_backward(dloss, cache._replace(negatives=0 * cache.negatives)).dword
    return grads._replace(dnegatives=-grads.dnegatives, dword=2 * real - grads.dword)


@wrong_backward(negative_sampling)
def noise_averaged(dloss: Any, cache: NegativeSamplingCache) -> Any:
    """The mean over random words.

    Why: Several random words are drawn for each pair, and a mean looks natural.
    Hint: Is the loss a sum or a mean over the random words?
    """
    grads = negative_sampling_backward(dloss, cache)
    return grads._replace(dnegatives=grads.dnegatives / cache.negatives.shape[1])

"""Known mistakes in tfx/ops/losses/negative_sampling.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.negative_sampling import negative_sampling
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.negative_sampling import NegativeSamplingCache, negative_sampling_backward


def noise_attracts(dloss: Any, cache: NegativeSamplingCache) -> Any:
    """The random words are drawn near as the real one is: the sign of their part is forgotten."""
    grads = negative_sampling_backward(dloss, cache)
    real = negative_sampling_backward(dloss, cache._replace(negatives=0 * cache.negatives)).dword
    return grads._replace(dnegatives=-grads.dnegatives, dword=2 * real - grads.dword)


def mean_over_noise(dloss: Any, cache: NegativeSamplingCache) -> Any:
    grads = negative_sampling_backward(dloss, cache)
    return grads._replace(dnegatives=grads.dnegatives / cache.negatives.shape[1])


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="negative_sampling",
        name="noise-attracts",
        says="random words attract",
        why="The real pair and the random pairs have the same form, except for one sign.",
        hint="Should the vector of a random word move towards the word or away from it?",
        problem=negative_sampling,
        wrong_backward=noise_attracts,
    ),
    Mistake(
        op="negative_sampling",
        name="noise-averaged",
        says="the mean over random words",
        why="Several random words are drawn for each pair, and a mean looks natural.",
        hint="Is the loss a sum or a mean over the random words?",
        problem=negative_sampling,
        wrong_backward=mean_over_noise,
    ),
)

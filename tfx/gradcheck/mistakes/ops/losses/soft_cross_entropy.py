"""Known mistakes in tfx/ops/losses/soft_cross_entropy.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.soft_cross_entropy import soft_cross_entropy
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.soft_cross_entropy import SoftCrossEntropyCache, SoftCrossEntropyGrads, soft_cross_entropy_backward


def soft_cross_entropy_target_sums_to_one(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    """p - q, with the sum of the target left out."""
    grads = soft_cross_entropy_backward(dloss, cache)
    extra = cache.smoothed.sum(axis=-1, keepdims=True) - 1
    return grads._replace(dlogits=grads.dlogits - np.exp(cache.log_probs.y) * extra * dloss / cache.reduction.divisor)


def soft_cross_entropy_target_unsmoothed(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    grads = soft_cross_entropy_backward(dloss, cache)
    return grads._replace(dtargets=grads.dtargets / (1 - cache.smoothing))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="soft_cross_entropy",
        name="target-sum-assumed",
        says="the target is taken to sum to 1",
        why="p - q holds for targets that sum to 1, and that condition is forgotten.",
        hint="Where in the derivation is the sum of q replaced by 1?",
        problem=soft_cross_entropy,
        wrong_backward=soft_cross_entropy_target_sums_to_one,
    ),
    Mistake(
        op="soft_cross_entropy",
        name="target-unsmoothed",
        says="smoothing is forgotten in the gradient of the target",
        why="The gradient of the target is rarely needed, so its chain rule is done with less care.",
        hint="How does the smoothed target depend on the given one?",
        problem=partial(soft_cross_entropy, smoothing=0.3),
        wrong_backward=soft_cross_entropy_target_unsmoothed,
    ),
)

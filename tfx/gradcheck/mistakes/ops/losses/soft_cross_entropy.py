"""Known mistakes in tfx/ops/losses/soft_cross_entropy.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.losses.soft_cross_entropy import soft_cross_entropy
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.soft_cross_entropy import SoftCrossEntropyCache, SoftCrossEntropyGrads, soft_cross_entropy_backward


@wrong_backward(soft_cross_entropy)
def target_sum_assumed(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    """The target is taken to sum to 1.

    p - q, with the sum of the target left out.

    Why: p - q holds for targets that sum to 1, and that condition is forgotten.
    Hint: Where in the derivation is the sum of q replaced by 1?
    """
    grads = soft_cross_entropy_backward(dloss, cache)
    extra = cache.smoothed.sum(axis=-1, keepdims=True) - 1
    return grads._replace(dlogits=grads.dlogits - np.exp(cache.log_probs.y) * extra * dloss / cache.reduction.divisor)


@wrong_backward(soft_cross_entropy, smoothing=0.3)
def target_unsmoothed(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    """Smoothing is forgotten in the gradient of the target.

    Why: The targets are smoothed in a line before the loss, and the gradient stops at the smoothed ones.
    Hint: How does the smoothed target depend on the given one?
    """
    grads = soft_cross_entropy_backward(dloss, cache)
    return grads._replace(dtargets=grads.dtargets / (1 - cache.smoothing))

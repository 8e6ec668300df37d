"""Known mistakes in tfx/ops/losses/kl_divergence.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.kl_divergence import kl_divergence
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.kl_divergence import KlDivergenceCache, KlDivergenceGrads, kl_divergence_backward


@wrong_backward(kl_divergence)
def p_read_once(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    """p is counted once, but read twice.

    Why: p log p - p log q is differentiated like the cross-entropy, where p stands only once.
    Hint: Use the product rule on p log p.
    """
    return kl_divergence_backward(dloss, cache._replace(difference=cache.difference - 1))


@wrong_backward(kl_divergence, log_target=True)
def gradient_of_p_for_log_p(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    """The gradient of p is given for that of log p.

    Why: The target may be given as p or as log p, and the second needs one more step.
    Hint: Which of the two did the caller hand over, and how is p made from it?
    """
    return kl_divergence_backward(dloss, cache._replace(log_target=False))

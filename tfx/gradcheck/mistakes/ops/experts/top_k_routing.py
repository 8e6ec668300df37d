"""Known mistakes in tfx/ops/experts/top_k_routing.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.experts.top_k_routing import gates, top_k
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.top_k_routing import GatesCache, gates_backward, spread_over_experts


@wrong_backward(gates)
def divisor_is_constant(dgates: Any, cache: GatesCache) -> Any:
    """The sum of the chosen is taken for a constant.

    Why: Renormalising looks like a change of scale, and a scale is usually a number that is given.
    Hint: Do the renormalised gates of one token still sum to 1 after you move one of them?
    """
    return spread_over_experts(dgates * cache.softmax.y, cache.experts, cache.n_experts)


@wrong_backward(gates, renormalise=False)
def unchosen_get_nothing(dgates: Any, cache: GatesCache) -> Any:
    """Experts that were not chosen get nothing.

    The softmax over all experts pulls on all of them.

    Why: Experts that do no work seem to have nothing to learn.
    Hint: Which logits stand in the denominator of the softmax?
    """
    dlogits = gates_backward(dgates, cache)
    chosen = spread_over_experts(np.ones_like(dgates), cache.experts, cache.n_experts)
    return dlogits * chosen


@wrong_backward(top_k, op="top_k_routing", renormalise=False, k=1)
def top_k_routing_unchosen_get_nothing(dgates: Any, cache: GatesCache) -> Any:
    """Experts that were not chosen get nothing.

    Why: The choice is a hard one, so it seems to cut off all that was not chosen.
    Hint: When the gates are not renormalised, does a logit that lost still lower the gate that won?
    """
    return unchosen_get_nothing(dgates, cache)

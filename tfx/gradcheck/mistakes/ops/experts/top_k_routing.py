"""Known mistakes in tfx/ops/experts/top_k_routing.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.experts.top_k_routing import gates, top_k
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.top_k_routing import GatesCache, gates_backward, spread_over_experts


def gates_divisor_is_constant(dgates: Any, cache: GatesCache) -> Any:
    """p / sum of p, with the sum taken for a number."""
    return spread_over_experts(dgates * cache.softmax.y, cache.experts, cache.n_experts)


def only_the_chosen_get_a_gradient(dgates: Any, cache: GatesCache) -> Any:
    """The softmax over all experts pulls on all of them."""
    dlogits = gates_backward(dgates, cache)
    chosen = spread_over_experts(np.ones_like(dgates), cache.experts, cache.n_experts)
    return dlogits * chosen


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gates",
        name="divisor-is-constant",
        says="the sum of the chosen is taken for a constant",
        why="Renormalising looks like a change of scale, and the scale depends on the gates themselves.",
        hint="Do the renormalised gates of one token still sum to 1 after you move one of them?",
        problem=gates,
        wrong_backward=gates_divisor_is_constant,
    ),
    Mistake(
        op="gates",
        name="unchosen-get-nothing",
        says="experts that were not chosen get nothing",
        why="Experts that do no work seem to have nothing to learn.",
        hint="Which logits stand in the denominator of the softmax?",
        problem=partial(gates, renormalise=False),
        wrong_backward=only_the_chosen_get_a_gradient,
    ),
    Mistake(
        op="top_k_routing",
        name="unchosen-get-nothing",
        says="experts that were not chosen get nothing",
        why="The choice is a hard one, so it seems to cut off all that was not chosen.",
        hint="When the gates are not renormalised, does a logit that lost still lower the gate that won?",
        problem=partial(top_k, renormalise=False, k=1),
        wrong_backward=only_the_chosen_get_a_gradient,
    ),
)

"""Known mistakes in tfx/ops/experts/expert_load.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_load import expert_load
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.expert_load import ExpertLoadCache, expert_load_backward


@wrong_backward(expert_load)
def threshold_is_constant(dload: Any, cache: ExpertLoadCache) -> Any:
    """The threshold is taken for a constant.

    Why: A threshold sounds like a setting, and here it is one of the logits.
    Hint: From which array is the threshold read, and does that array get a gradient?
    """
    grads = expert_load_backward(dload, cache)
    return grads._replace(dnoisy=0 * grads.dnoisy)


@wrong_backward(expert_load)
def one_threshold(dload: Any, cache: ExpertLoadCache) -> Any:
    """One threshold for all.

    That an expert among the first k has to beat the (k+1)-th is forgotten.

    Why: The k-th largest logit is a single number for a token, so it seems to serve all experts.
    Hint: An expert among the first k must not be compared with itself; whom does it have to beat?
    """
    return expert_load_backward(dload, cache._replace(chosen=0 * cache.chosen > 1))

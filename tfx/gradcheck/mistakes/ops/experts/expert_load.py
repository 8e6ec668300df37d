"""Known mistakes in tfx/ops/experts/expert_load.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.expert_load import expert_load
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.expert_load import ExpertLoadCache, expert_load_backward


def load_threshold_is_constant(dload: Any, cache: ExpertLoadCache) -> Any:
    grads = expert_load_backward(dload, cache)
    return grads._replace(dnoisy=0 * grads.dnoisy)


def load_threshold_of_the_others(dload: Any, cache: ExpertLoadCache) -> Any:
    """One threshold for all: that an expert among the first k has to beat the (k+1)-th is forgotten."""
    return expert_load_backward(dload, cache._replace(chosen=0 * cache.chosen > 1))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="expert_load",
        name="threshold-is-constant",
        says="the threshold is taken for a constant",
        why="A threshold sounds like a setting, and here it is one of the logits.",
        hint="From which array is the threshold read, and does that array get a gradient?",
        problem=expert_load,
        wrong_backward=load_threshold_is_constant,
    ),
    Mistake(
        op="expert_load",
        name="one-threshold",
        says="one threshold for all",
        why="The k-th largest logit is a single number for a token, so it seems to serve all experts.",
        hint="An expert among the first k must not be compared with itself; whom does it have to beat?",
        problem=expert_load,
        wrong_backward=load_threshold_of_the_others,
    ),
)

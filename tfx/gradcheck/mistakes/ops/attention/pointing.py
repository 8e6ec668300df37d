"""Known mistakes in tfx/ops/attention/pointing.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.pointing import pointing
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.pointing import PointingCache, pointing_backward


def pointing_without_mean(dloss: Any, cache: PointingCache) -> Any:
    return pointing_backward(dloss, cache) * len(cache.weights)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="pointing",
        name="mean-forgotten",
        says="the mean over examples is forgotten",
        why="Each example's gradient is derived by itself, and the division by the batch belongs to no single example.",
        hint="Compare the size of the gradient for one example and for a batch of many copies of it.",
        problem=pointing,
        wrong_backward=pointing_without_mean,
    ),
)

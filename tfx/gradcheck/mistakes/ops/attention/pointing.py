"""Known mistakes in tfx/ops/attention/pointing.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.pointing import pointing
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.pointing import PointingCache, pointing_backward


@wrong_backward(pointing)
def mean_forgotten(dloss: Any, cache: PointingCache) -> Any:
    """The mean over examples is forgotten.

    Why: Each example's gradient is derived by itself, and the division by the batch belongs to no single example.
    Hint: Compare the size of the gradient for one example and for a batch of many copies of it.
    """
    return pointing_backward(dloss, cache) * len(cache.weights)

"""Known mistakes in tfx/ops/norms/group_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.group_norm import group_norm
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.group_norm import GroupNormCache, group_norm_backward


@wrong_backward(group_norm)
def gamma_outside_the_means(dy: Any, cache: GroupNormCache) -> Any:
    """Gamma stands outside the means.

    Why: The gain comes last in the forward pass and is multiplied on last in the backward pass as well.
    Hint: Within one group, do all channels have the same gain?
    """
    dx, _, _ = group_norm_backward(dy, cache._replace(gamma=None))
    _, dgamma, dbeta = group_norm_backward(dy, cache)
    gamma: Any = cache.gamma
    return dx * gamma.reshape(-1, 1, 1), dgamma, dbeta

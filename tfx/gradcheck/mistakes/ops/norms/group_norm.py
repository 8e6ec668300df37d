"""Known mistakes in tfx/ops/norms/group_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.group_norm import group_norm
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.group_norm import GroupNormCache, group_norm_backward


def group_norm_gamma_outside(dy: Any, cache: GroupNormCache) -> Any:
    dx, _, _ = group_norm_backward(dy, cache._replace(gamma=None))
    _, dgamma, dbeta = group_norm_backward(dy, cache)
    gamma: Any = cache.gamma
    return dx * gamma.reshape(-1, 1, 1), dgamma, dbeta


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="group_norm",
        name="gamma-outside-the-means",
        says="gamma stands outside the means",
        why="The gain comes last in the forward pass and is multiplied on last in the backward pass as well.",
        hint="Within one group, do all channels have the same gain?",
        problem=group_norm,
        wrong_backward=group_norm_gamma_outside,
    ),
)

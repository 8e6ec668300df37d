"""Known mistakes in tfx/ops/norms/power_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.power_norm import power_norm
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.power_norm import PowerNormCache, PowerStatistics, power_norm_backward


def power_norm_as_in_evaluation(dy: Any, cache: PowerNormCache) -> Any:
    return power_norm_backward(dy, cache._replace(running=PowerStatistics(cache.batch_psi2, None)))


def power_norm_also_centred(dy: Any, cache: PowerNormCache) -> Any:
    dx, dgamma, dbeta = power_norm_backward(dy, cache)
    return dx - dx.mean(axis=(0, 1)), dgamma, dbeta


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="power_norm",
        name="psi-is-constant",
        says="psi is taken for a constant",
        why="In evaluation psi is a stored number, and that backward is used for batch statistics.",
        hint="With batch statistics, does psi depend on x?",
        problem=power_norm,
        wrong_backward=power_norm_as_in_evaluation,
    ),
    Mistake(
        op="power_norm",
        name="backward-of-batch-norm",
        says="BatchNorm's centring",
        why="PowerNorm is made from BatchNorm, and a term of its backward is carried along.",
        hint="Does the forward pass of PowerNorm subtract a mean?",
        problem=power_norm,
        wrong_backward=power_norm_also_centred,
    ),
)

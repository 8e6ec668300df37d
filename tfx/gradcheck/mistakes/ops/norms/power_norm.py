"""Known mistakes in tfx/ops/norms/power_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.power_norm import power_norm
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.power_norm import PowerNormCache, PowerStatistics, power_norm_backward


@wrong_backward(power_norm)
def psi_is_constant(dy: Any, cache: PowerNormCache) -> Any:
    """Psi is taken for a constant.

    Why: In evaluation psi is a stored number, and that backward is used for batch statistics.
    Hint: With batch statistics, does psi depend on x?
    """
    return power_norm_backward(dy, cache._replace(running=PowerStatistics(cache.batch_psi2, None)))


@wrong_backward(power_norm)
def backward_of_batch_norm(dy: Any, cache: PowerNormCache) -> Any:
    """BatchNorm's centring.

    Why: PowerNorm is made from BatchNorm, and a term of its backward is carried along.
    Hint: Does the forward pass of PowerNorm subtract a mean?
    """
    dx, dgamma, dbeta = power_norm_backward(dy, cache)
    return dx - dx.mean(axis=(0, 1)), dgamma, dbeta

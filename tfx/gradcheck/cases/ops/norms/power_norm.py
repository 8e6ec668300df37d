"""Cases of tfx/ops/norms/power_norm.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.norms.inputs import by_tokens
from tfx.gradcheck.cases.sizes import C, Rng
from tfx.ops.norms.power_norm import PowerStatistics, power_norm_backward, power_norm_forward


def power_norm(rng: Rng, eps: float = 1e-5, running: bool = False, padding: bool = False) -> Problem:
    """PN-V, and PN's evaluation; in PN's training dx is not the derivative (tests/ops/norms/test_power_norm.py)."""
    statistics = PowerStatistics(0.5 + rng.random(C), None) if running else None
    return by_tokens(rng, _power_norm_forward, power_norm_backward, statistics, eps, padding)


def _power_norm_forward(x: Any, gamma: Any, beta: Any, psi2: Any = None, nu: Any = None, **rest: Any) -> Any:
    return power_norm_forward(x, gamma, beta, None if psi2 is None else PowerStatistics(psi2, nu), **rest)


CASES: tuple[Case, ...] = (
    Case(power_norm_backward, "PN-V", power_norm),
    Case(power_norm_backward, "PN-V, eps as large as the mean square", partial(power_norm, eps=0.9)),
    Case(power_norm_backward, "PN-V, padding", partial(power_norm, padding=True)),
    Case(power_norm_backward, "evaluation", partial(power_norm, running=True)),
)

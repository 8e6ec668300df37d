"""Cases of tfx/ops/norms/batch_norm.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.norms.inputs import by_tokens
from tfx.gradcheck.cases.sizes import C, Rng
from tfx.ops.norms.batch_norm import Statistics, batch_norm_backward, batch_norm_forward


def batch_norm(rng: Rng, eps: float = 1e-5, running: bool = False, padding: bool = False) -> Problem:
    statistics = Statistics(rng.standard_normal(C), 0.5 + rng.random(C)) if running else None
    return by_tokens(rng, _batch_norm_forward, batch_norm_backward, statistics, eps, padding)


def _batch_norm_forward(x: Any, gamma: Any, beta: Any, mean: Any = None, variance: Any = None, **rest: Any) -> Any:
    return batch_norm_forward(x, gamma, beta, None if mean is None else Statistics(mean, variance), **rest)


CASES: tuple[Case, ...] = (
    Case(batch_norm_backward, "training", batch_norm),
    Case(batch_norm_backward, "training, eps as large as the variance", partial(batch_norm, eps=0.9)),
    Case(batch_norm_backward, "training, padding", partial(batch_norm, padding=True)),
    Case(batch_norm_backward, "evaluation", partial(batch_norm, running=True)),
    Case(batch_norm_backward, "evaluation, padding", partial(batch_norm, running=True, padding=True)),
)

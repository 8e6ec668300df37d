"""Cases of tfx/ops/losses/kl_divergence.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.kl_divergence import kl_divergence_backward, kl_divergence_forward
from tfx.ops.losses.reduction import reduction_backward, reduction_forward


def reduction(rng: Rng, kind: str) -> Problem:
    fixed = {"reduction": kind, "count": np.array(6)}
    return Problem(reduction_forward, reduction_backward, {"losses": rng.standard_normal((B, T))}, fixed)


def kl_divergence(rng: Rng, log_target: bool = False, reduction: str = "batchmean") -> Problem:
    target = rng.standard_normal((B, T, V)) if log_target else rng.uniform(0.1, 1.0, (B, T, V))
    inputs = {"log_q": rng.standard_normal((B, T, V)), "target": target}
    fixed = {"log_target": log_target, "reduction": reduction}
    return Problem(kl_divergence_forward, kl_divergence_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(kl_divergence_backward, "probabilities", kl_divergence),
    Case(kl_divergence_backward, "log-probabilities", partial(kl_divergence, log_target=True)),
    Case(kl_divergence_backward, "mean", partial(kl_divergence, reduction="mean")),
    Case(kl_divergence_backward, "every term", partial(kl_divergence, log_target=True, reduction="none")),
)

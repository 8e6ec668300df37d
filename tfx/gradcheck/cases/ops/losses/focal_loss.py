"""Cases of tfx/ops/losses/focal_loss.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.losses.targets import kept_tokens
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward


def focal_loss(rng: Rng, kept: int | None = None, weighted: bool = False, **settings: Any) -> Problem:
    keep, targets = kept_tokens(rng, kept), rng.integers(0, V, (B, T))
    fixed = {"targets": targets if keep is None else np.where(keep, targets, -100), "keep": keep, **settings}
    if weighted:
        fixed["class_weights"] = rng.uniform(0.2, 3.0, V)
    return Problem(focal_loss_forward, focal_loss_backward, {"logits": rng.standard_normal((B, T, V))}, fixed)


CASES: tuple[Case, ...] = (
    *(Case(focal_loss_backward, f"gamma {g}", partial(focal_loss, gamma=g)) for g in (0.0, 0.5, 1.0, 2.0)),
    Case(focal_loss_backward, "class weights and keep", partial(focal_loss, weighted=True, kept=6)),
    Case(focal_loss_backward, "one loss a token", partial(focal_loss, kept=6, reduction="none")),
)

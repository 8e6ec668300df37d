"""Cases of tfx/ops/losses/consistency_loss.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.losses.targets import kept_tokens
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.consistency_loss import consistency_loss_backward, consistency_loss_forward


def consistency_loss(rng: Rng, kept: int | None = None, reduction: str = "mean") -> Problem:
    inputs = {name: rng.standard_normal((B, T, V)) for name in ("first", "second")}
    fixed = {"keep": kept_tokens(rng, kept), "reduction": reduction}
    return Problem(consistency_loss_forward, consistency_loss_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(consistency_loss_backward, "plain", consistency_loss),
    Case(
        consistency_loss_backward, "six of ten tokens kept, summed", partial(consistency_loss, kept=6, reduction="sum")
    ),
    Case(consistency_loss_backward, "one loss a token", partial(consistency_loss, reduction="none")),
)

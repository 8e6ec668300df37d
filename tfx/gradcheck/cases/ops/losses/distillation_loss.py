"""Cases of tfx/ops/losses/distillation_loss.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.losses.targets import kept_tokens
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward


def distillation_loss(rng: Rng, kept: int | None = None, **settings: Any) -> Problem:
    fixed = {"teacher_logits": 2.0 * rng.standard_normal((B, T, V)), "keep": kept_tokens(rng, kept), **settings}
    inputs = {"logits": rng.standard_normal((B, T, V))}
    return Problem(distillation_loss_forward, distillation_loss_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    *(
        Case(distillation_loss_backward, f"temperature {t}", partial(distillation_loss, temperature=t))
        for t in (1.0, 3.5)
    ),
    Case(distillation_loss_backward, "six of ten tokens kept", partial(distillation_loss, temperature=0.7, kept=6)),
    Case(distillation_loss_backward, "one loss a token", partial(distillation_loss, temperature=2.0, reduction="none")),
)

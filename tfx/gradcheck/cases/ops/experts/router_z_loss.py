"""Cases of tfx/ops/experts/router_z_loss.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, N
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.router_z_loss import router_z_loss_backward, router_z_loss_forward


def router_z_loss(rng: Rng, scale: float = 1.0) -> Problem:
    inputs = {"logits": scale * rng.standard_normal((N, E))}
    return Problem(router_z_loss_forward, router_z_loss_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(router_z_loss_backward, "random logits", router_z_loss),
    Case(router_z_loss_backward, "large logits", partial(router_z_loss, scale=20.0)),
)

"""Cases of tfx/ops/experts/router_losses.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import K, N, distinct_logits, noisy_inputs
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.router_losses import ROUTER_LOSSES, router_losses_backward, router_losses_forward
from tfx.ops.experts.top_k_routing import choose_top_k

ALL_LOSSES = dict.fromkeys(ROUTER_LOSSES, 0.7)


def router_losses(rng: Rng) -> Problem:
    logits = distinct_logits(rng)
    inputs = {"logits": logits, "gates": rng.random((N, K)), **noisy_inputs(rng)}
    fixed = {"experts": choose_top_k(logits, K), "coefficients": ALL_LOSSES}
    return Problem(router_losses_forward, router_losses_backward, inputs, fixed)


CASES: tuple[Case, ...] = (Case(router_losses_backward, "all four", router_losses),)

"""Cases of tfx/ops/experts/top_k_routing.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, K, N, a_choice, distinct_logits
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.top_k_routing import gates_backward, gates_forward, top_k_routing_backward, top_k_routing_forward


def gates(rng: Rng, renormalise: bool = True, k: int = K) -> Problem:
    fixed = {"experts": a_choice(rng, k), "renormalise": renormalise}
    return Problem(gates_forward, gates_backward, {"logits": rng.standard_normal((N, E))}, fixed)


def top_k(rng: Rng, renormalise: bool = True, k: int = K) -> Problem:
    fixed = {"k": k, "renormalise": renormalise}
    return Problem(top_k_routing_forward, top_k_routing_backward, {"logits": distinct_logits(rng)}, fixed)


CASES: tuple[Case, ...] = (
    Case(gates_backward, "renormalised", gates),
    Case(gates_backward, "renormalised over three", partial(gates, k=3)),
    Case(gates_backward, "not renormalised", partial(gates, renormalise=False)),
    Case(top_k_routing_backward, "top 2, renormalised", top_k),
    Case(top_k_routing_backward, "Switch: top 1, not renormalised", partial(top_k, renormalise=False, k=1)),
    Case(top_k_routing_backward, "all experts", partial(top_k, k=E)),
)

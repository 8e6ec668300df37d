"""Routing, dispatch and losses of a mixture of experts.

The choice of experts is a constant: it is made once and held fixed where an operation takes it as an input, and where
it is made inside, logits lie far enough apart that no step changes it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import C, Rng
from tfx.ops.experts.cv_squared import CvSquaredCache, cv_squared_backward, cv_squared_forward
from tfx.ops.experts.expert_capacity import within_capacity
from tfx.ops.experts.expert_dispatch import (
    CombineCache,
    DispatchPlan,
    combine_backward,
    combine_forward,
    dispatch_backward,
    dispatch_forward,
    plan_dispatch,
)
from tfx.ops.experts.expert_importance import (
    ExpertImportanceCache,
    expert_importance_backward,
    expert_importance_forward,
)
from tfx.ops.experts.expert_load import ExpertLoadCache, expert_load_backward, expert_load_forward
from tfx.ops.experts.load_balance import LoadBalanceCache, load_balance_backward, load_balance_forward
from tfx.ops.experts.noisy_logits import NoisyLogitsCache, noisy_logits_backward, noisy_logits_forward
from tfx.ops.experts.router_losses import (
    ROUTER_LOSSES,
    RouterLossesCache,
    router_losses_backward,
    router_losses_forward,
)
from tfx.ops.experts.router_z_loss import RouterZLossCache, router_z_loss_backward, router_z_loss_forward
from tfx.ops.experts.top_k_routing import (
    GatesCache,
    choose_top_k,
    gates_backward,
    gates_forward,
    spread_over_experts,
    top_k_routing_backward,
    top_k_routing_forward,
)

N, E, K = 7, 5, 2
ALL_LOSSES = dict.fromkeys(ROUTER_LOSSES, 0.7)


def distinct_logits(rng: Rng, shape: tuple[int, ...] = (N, E)) -> np.ndarray:
    """Random order, gaps of at least 0.2 between any two logits of a token."""
    order = np.argsort(rng.random(shape), axis=-1)
    return 0.5 * (order - order.mean()) + 0.3 * rng.random(shape)


def a_choice(rng: Rng, k: int = K) -> np.ndarray:
    return choose_top_k(rng.standard_normal((N, E)), k)


def gates(rng: Rng, renormalise: bool = True, k: int = K) -> Problem:
    fixed = {"experts": a_choice(rng, k), "renormalise": renormalise}
    return Problem(gates_forward, gates_backward, {"logits": rng.standard_normal((N, E))}, fixed)


def top_k(rng: Rng, renormalise: bool = True, k: int = K) -> Problem:
    fixed = {"k": k, "renormalise": renormalise}
    return Problem(top_k_routing_forward, top_k_routing_backward, {"logits": distinct_logits(rng)}, fixed)


def noisy_logits(rng: Rng) -> Problem:
    inputs = {"clean": rng.standard_normal((N, E)), "raw": rng.standard_normal((N, E))}
    return Problem(noisy_logits_forward, noisy_logits_backward, inputs, {"noise": rng.standard_normal((N, E))})


def spread_that_is_read(rng: Rng) -> Problem:
    """A loss that reads the spread as well as the logits."""

    def forward(clean: Any, raw: Any, noise: Any) -> Any:
        y, cache = noisy_logits_forward(clean, raw, noise)
        return xp_of(y).stack([y, cache.spread]), cache

    def backward(dy: Any, cache: Any) -> Any:
        return noisy_logits_backward(dy[0], cache, dy[1])

    return noisy_logits(rng)._replace(forward=forward, backward=backward)


def _dispatch(x: Any, experts: Any, keep: Any) -> Any:
    return dispatch_forward(x, plan_dispatch(experts, E, keep))


def _combine(out: Any, gates: Any, experts: Any, keep: Any) -> Any:
    return combine_forward(out, gates, plan_dispatch(experts, E, keep))


def _routes(rng: Rng, drops: bool) -> dict[str, Any]:
    experts = a_choice(rng)
    return {"experts": experts, "keep": within_capacity(experts, E, 2) if drops else None}


def dispatch(rng: Rng, drops: bool = False) -> Problem:
    return Problem(_dispatch, dispatch_backward, {"x": rng.standard_normal((N, C))}, _routes(rng, drops))


def combine(rng: Rng, drops: bool = False) -> Problem:
    inputs = {"out": rng.standard_normal((N * K, C)), "gates": rng.random((N, K))}
    return Problem(_combine, combine_backward, inputs, _routes(rng, drops))


def cv_squared(rng: Rng) -> Problem:
    return Problem(cv_squared_forward, cv_squared_backward, {"x": 1.0 + rng.random(E)})


def expert_importance(rng: Rng) -> Problem:
    fixed = {"experts": a_choice(rng), "n_experts": E}
    return Problem(expert_importance_forward, expert_importance_backward, {"gates": rng.random((N, K))}, fixed)


def _noisy_inputs(rng: Rng) -> dict[str, Any]:
    return {"clean": rng.standard_normal((N, E)), "spread": 0.5 + rng.random((N, E))}


def expert_load(rng: Rng, k: int = K) -> Problem:
    inputs = _noisy_inputs(rng) | {"noisy": distinct_logits(rng)}
    return Problem(expert_load_forward, expert_load_backward, inputs, {"k": k})


def load_balance(rng: Rng, k: int = 1) -> Problem:
    inputs = {"probabilities": rng.random((N, E))}
    return Problem(load_balance_forward, load_balance_backward, inputs, {"experts": a_choice(rng, k)})


def router_z_loss(rng: Rng, scale: float = 1.0) -> Problem:
    inputs = {"logits": scale * rng.standard_normal((N, E))}
    return Problem(router_z_loss_forward, router_z_loss_backward, inputs)


def router_losses(rng: Rng) -> Problem:
    logits = distinct_logits(rng)
    inputs = {"logits": logits, "gates": rng.random((N, K)), **_noisy_inputs(rng)}
    fixed = {"experts": choose_top_k(logits, K), "coefficients": ALL_LOSSES}
    return Problem(router_losses_forward, router_losses_backward, inputs, fixed)


def gates_divisor_is_constant(dgates: Any, cache: GatesCache) -> Any:
    """p / sum of p, with the sum taken for a number."""
    return spread_over_experts(dgates * cache.softmax.y, cache.experts, cache.n_experts)


def only_the_chosen_get_a_gradient(dgates: Any, cache: GatesCache) -> Any:
    """The softmax over all experts pulls on all of them."""
    dlogits = gates_backward(dgates, cache)
    chosen = spread_over_experts(np.ones_like(dgates), cache.experts, cache.n_experts)
    return dlogits * chosen


def noise_spread_is_constant(dy: Any, cache: NoisyLogitsCache) -> Any:
    return dy, 0 * dy


def dispatch_first_choice_only(dslots: Any, cache: DispatchPlan) -> Any:
    return dslots[cache.rows[:, 0]]


def combine_gates_forgotten(dy: Any, cache: CombineCache) -> Any:
    return dy[cache.plan.tokens], combine_backward(dy, cache)[1]


def combine_rows_not_sorted(dy: Any, cache: CombineCache) -> Any:
    """The gates are left in the order of the tokens, the rows are in that of the experts."""
    dout = cache.gates.reshape(-1)[:, None] * dy[cache.plan.tokens]
    return dout, combine_backward(dy, cache)[1]


def cv_mean_is_constant(dy: Any, cache: CvSquaredCache) -> Any:
    return dy * 2 * cache.centred / (cache.centred.size * cache.mean * cache.mean)


def importance_is_a_count(dimportance: Any, cache: ExpertImportanceCache) -> Any:
    return 0 * dimportance[cache.experts]


def load_threshold_is_constant(dload: Any, cache: ExpertLoadCache) -> Any:
    grads = expert_load_backward(dload, cache)
    return grads._replace(dnoisy=0 * grads.dnoisy)


def load_threshold_of_the_others(dload: Any, cache: ExpertLoadCache) -> Any:
    """One threshold for all: that an expert among the first k has to beat the (k+1)-th is forgotten."""
    return expert_load_backward(dload, cache._replace(chosen=0 * cache.chosen > 1))


def balance_not_divided_by_tokens(dloss: Any, cache: LoadBalanceCache) -> Any:
    return load_balance_backward(dloss * cache.n_tokens, cache)


def z_loss_not_squared(dloss: Any, cache: RouterZLossCache) -> Any:
    return router_z_loss_backward(dloss, cache._replace(z=np.ones_like(cache.z)))


def losses_without_the_z_loss(dloss: Any, cache: RouterLossesCache) -> Any:
    return router_losses_backward(dloss, cache._replace(caches={k: v for k, v in cache.caches.items() if k != "z"}))


CASES: tuple[Case, ...] = (
    Case(gates_backward, "renormalised", gates),
    Case(gates_backward, "renormalised over three", partial(gates, k=3)),
    Case(gates_backward, "not renormalised", partial(gates, renormalise=False)),
    Case(top_k_routing_backward, "top 2, renormalised", top_k),
    Case(top_k_routing_backward, "Switch: top 1, not renormalised", partial(top_k, renormalise=False, k=1)),
    Case(top_k_routing_backward, "all experts", partial(top_k, k=E)),
    Case(noisy_logits_backward, "random noise", noisy_logits),
    Case(noisy_logits_backward, "the spread is read too", spread_that_is_read),
    Case(dispatch_backward, "two choices", dispatch),
    Case(dispatch_backward, "with drops", partial(dispatch, drops=True)),
    Case(combine_backward, "two choices", combine),
    Case(combine_backward, "with drops", partial(combine, drops=True)),
    Case(cv_squared_backward, "positive numbers", cv_squared),
    Case(expert_importance_backward, "two choices", expert_importance),
    Case(expert_load_backward, "two choices", expert_load),
    Case(expert_load_backward, "one choice", partial(expert_load, k=1)),
    Case(expert_load_backward, "all but one", partial(expert_load, k=E - 1)),
    Case(load_balance_backward, "one choice", load_balance),
    Case(load_balance_backward, "two choices", partial(load_balance, k=2)),
    Case(router_z_loss_backward, "random logits", router_z_loss),
    Case(router_z_loss_backward, "large logits", partial(router_z_loss, scale=20.0)),
    Case(router_losses_backward, "all four", router_losses),
)

CONTROLS: tuple[Control, ...] = (
    Control("gates", "the sum of the chosen is taken for a constant", gates_divisor_is_constant, gates),
    Control(
        "gates",
        "experts that were not chosen get nothing",
        only_the_chosen_get_a_gradient,
        partial(gates, renormalise=False),
    ),
    Control(
        "top_k_routing",
        "experts that were not chosen get nothing",
        only_the_chosen_get_a_gradient,
        partial(top_k, renormalise=False, k=1),
    ),
    Control("noisy_logits", "the spread is taken for a constant", noise_spread_is_constant, noisy_logits),
    Control("dispatch", "only the first copy answers", dispatch_first_choice_only, dispatch),
    Control("combine", "the gates are forgotten", combine_gates_forgotten, combine),
    Control("combine", "gates and rows in different orders", combine_rows_not_sorted, combine),
    Control("cv_squared", "the mean is taken for a constant", cv_mean_is_constant, cv_squared),
    Control("expert_importance", "gates are counted, not added", importance_is_a_count, expert_importance),
    Control("expert_load", "the threshold is taken for a constant", load_threshold_is_constant, expert_load),
    Control("expert_load", "one threshold for all", load_threshold_of_the_others, expert_load),
    Control("load_balance", "the mean over tokens is forgotten", balance_not_divided_by_tokens, load_balance),
    Control("router_z_loss", "the square is forgotten", z_loss_not_squared, router_z_loss),
    Control("router_losses", "one loss is left out", losses_without_the_z_loss, router_losses),
)

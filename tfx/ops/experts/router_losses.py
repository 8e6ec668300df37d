"""The auxiliary losses of a router, each with its coefficient, added up.

    loss = c_balance balance + c_z z + c_importance importance + c_load load

    balance       ops/experts/load_balance.py         Switch, GShard: the coefficient alpha is 0.01
    z             ops/experts/router_z_loss.py        ST-MoE: 0.001
    importance    CV^2 of ops/experts/expert_importance.py        Shazeer et al. 2017: 0.1
    load          CV^2 of ops/experts/expert_load.py              Shazeer et al. 2017: 0.1; needs noise

Derivation.  A sum, so each term's backward runs by itself.  The logits are read by several terms: their gradients add
up, and those of the probabilities come back through the softmax.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.experts.cv_squared import cv_squared_backward, cv_squared_forward
from tfx.ops.experts.expert_importance import expert_importance_backward, expert_importance_forward
from tfx.ops.experts.expert_load import expert_load_backward, expert_load_forward
from tfx.ops.experts.load_balance import load_balance_backward, load_balance_forward
from tfx.ops.experts.router_z_loss import router_z_loss_backward, router_z_loss_forward

ROUTER_LOSSES = ("balance", "z", "importance", "load")


class RouterLossesCache(NamedTuple):
    values: dict[str, Array]  # each loss by name, without its coefficient
    coefficients: Mapping[str, float]
    caches: dict[str, Any]
    logits: Array
    gates: Array


class RouterLossesGrads(NamedTuple):
    dlogits: Array
    dgates: Array
    dclean: Array | None
    dspread: Array | None


@in_float32
def router_losses_forward(
    logits: Array,
    gates: Array,
    clean: Array | None = None,
    spread: Array | None = None,
    *,
    experts: Array,
    coefficients: Mapping[str, float],
) -> tuple[Array, RouterLossesCache]:
    """logits: (N, E), gates: (N, k), experts: (N, k) integers -> loss: scalar, cache; cache.values has each of them.

    clean, spread: (N, E), the logits without noise and its spread, or None; without them the load is left out.
    coefficients: name -> factor; a loss that is not named or has factor 0 is not computed.
    Raises ValueError for a name that is not in ROUTER_LOSSES.
    """
    check_losses(coefficients)
    n_experts, k = logits.shape[-1], experts.shape[-1]
    values: dict[str, Array] = {}
    caches: dict[str, Any] = {}
    wanted = {name for name, factor in coefficients.items() if factor}
    if "balance" in wanted:
        p, softmax = softmax_forward(logits)
        values["balance"], balance = load_balance_forward(p, experts)
        caches["balance"] = (softmax, balance)
    if "z" in wanted:
        values["z"], caches["z"] = router_z_loss_forward(logits)
    if "importance" in wanted:
        importance, cache = expert_importance_forward(gates, experts, n_experts)
        values["importance"], cv = cv_squared_forward(importance)
        caches["importance"] = (cache, cv)
    if "load" in wanted and clean is not None and spread is not None:
        load, load_cache = expert_load_forward(clean, logits, spread, k)
        values["load"], cv = cv_squared_forward(load)
        caches["load"] = (load_cache, cv)
    total = sum((coefficients[name] * value for name, value in values.items()), xp_of(logits).zeros((), logits.dtype))
    return total, RouterLossesCache(values, coefficients, caches, logits, gates)


@in_float32
def router_losses_backward(dloss: Array | float, cache: RouterLossesCache) -> RouterLossesGrads:
    """dloss: scalar -> dlogits, dgates, and dclean and dspread, None when the load was left out."""
    coefficients, caches = cache.coefficients, cache.caches
    xp = xp_of(cache.logits)
    dlogits, dgates, dclean, dspread = xp.zeros_like(cache.logits), xp.zeros_like(cache.gates), None, None
    share = {name: coefficients[name] * dloss for name in caches}  # loss = sum of coefficient * value
    if "balance" in caches:
        softmax, balance = caches["balance"]
        dp = load_balance_backward(share["balance"], balance)
        dlogits = dlogits + softmax_backward(dp, softmax)  # p = softmax(logits)
    if "z" in caches:
        dlogits = dlogits + router_z_loss_backward(share["z"], caches["z"])
    if "importance" in caches:
        importance, cv = caches["importance"]
        dgates = expert_importance_backward(cv_squared_backward(share["importance"], cv), importance)
    if "load" in caches:
        load, cv = caches["load"]
        grads = expert_load_backward(cv_squared_backward(share["load"], cv), load)
        dlogits, dclean, dspread = dlogits + grads.dnoisy, grads.dclean, grads.dspread  # the noisy logits are `logits`
    return RouterLossesGrads(dlogits, dgates, dclean, dspread)


def check_losses(coefficients: Mapping[str, float]) -> None:
    """Raises ValueError for an unknown loss or a negative coefficient."""
    unknown = sorted(coefficients.keys() - set(ROUTER_LOSSES))
    if unknown:
        raise ValueError(f"the losses of a router are {', '.join(ROUTER_LOSSES)}, not {', '.join(unknown)}")
    for name, factor in coefficients.items():
        if factor < 0:
            raise ValueError(f"the coefficient of {name} must be at least 0, not {factor}")

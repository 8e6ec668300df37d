"""Router z-loss: keeps the logits of a router small.

    z_n = log sum_i exp(logits_ni)                loss = mean over the tokens of z_n^2

Softmax does not change when all logits of a token grow together, so nothing stops them from doing so; in half precision
large logits are rounded coarsely, and exp turns that into wrong gates.

Derivation.  dz_n = dloss 2 z_n / N, and the gradient of log-sum-exp is softmax (ops/basics/logsumexp.py).
Source: Zoph et al. 2022, "ST-MoE: Designing Stable and Transferable Sparse Expert Models", equation 5.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.logsumexp import LogSumExpCache, logsumexp_backward, logsumexp_forward


class RouterZLossCache(NamedTuple):
    z: Array
    logsumexp: LogSumExpCache


@in_float32
def router_z_loss_forward(logits: Array) -> tuple[Array, RouterZLossCache]:
    """logits: (N, E) -> loss: scalar, cache; 0 for N = 0."""
    z, cache = logsumexp_forward(logits)
    return (z * z).sum() * (1.0 / max(z.size, 1)), RouterZLossCache(z, cache)


@in_float32
def router_z_loss_backward(dloss: Array | float, cache: RouterZLossCache) -> Array:
    """dloss: scalar -> dlogits: (N, E)."""
    dz = (dloss * cache.z * (2.0 / max(cache.z.size, 1))).astype(cache.z.dtype)  # loss = mean of z^2
    return logsumexp_backward(dz, cache.logsumexp)  # z = logsumexp(logits)

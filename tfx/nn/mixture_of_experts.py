"""Mixture of experts: E feed-forward networks, of which every token uses k.

    logits = router(x)                            (N, C) -> (N, E)
    experts, gates = the k largest, their weights           (ops/top_k_routing.py)
    y_n = sum_j gates_nj FFN_experts_nj(x_n)      only k of the E networks run for a token

Parameters grow with E and the work for a token with k: that is the whole point.  k = E is the dense mixture, and equal
experts with gates that sum to 1 are one network.  The router is trained through the gates, which multiply what the
experts say; the choice itself has no gradient.  Left alone, routers come to prefer few experts; the losses of
ops/router_losses.py speak against it, and their gradient joins in backward.

Tokens are copied to their experts and back by index (ops/expert_dispatch.py), so an expert sees one matrix with as many
rows as it has tokens.  How many these are is known on the host only: on a graphics card forward waits for E counts.
Sources: Shazeer et al. 2017, "Outrageously Large Neural Networks"; Lepikhin et al. 2021, "GShard"; Fedus et al. 2022,
"Switch Transformers"; one choice for a whole sequence: Kudugunta et al. 2021, "Beyond Distillation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.nn.feed_forward import FeedForward
from tfx.nn.linear import Linear
from tfx.ops.expert_capacity import expert_capacity, within_capacity
from tfx.ops.expert_dispatch import (
    CombineCache,
    DispatchPlan,
    combine_backward,
    combine_forward,
    dispatch_backward,
    dispatch_forward,
    plan_dispatch,
)
from tfx.ops.linear import LinearCache
from tfx.ops.noisy_logits import NoisyLogitsCache, noisy_logits_backward, noisy_logits_forward
from tfx.ops.router_losses import RouterLossesCache, check_losses, router_losses_backward, router_losses_forward
from tfx.ops.top_k_routing import GatesCache, choose_top_k, gates_backward, gates_forward
from tfx.params import Layer, walk

LEVELS = ("token", "sequence")


class MixtureOfExpertsCache(NamedTuple):
    shape: tuple[int, ...]
    router: LinearCache
    noise: tuple[LinearCache, NoisyLogitsCache] | None
    gates: GatesCache
    plan: DispatchPlan
    ranges: tuple[tuple[int, int], ...]  # the rows of each expert
    experts: tuple[Any, ...]
    combine: CombineCache
    losses: RouterLossesCache
    auxiliary: Array  # the auxiliary losses times their coefficients, a scalar: add it to the loss of the model

    @property
    def chosen(self) -> Array:
        """(N, k): the experts of each token, the first choice first."""
        return self.gates.experts

    @property
    def counts(self) -> tuple[int, ...]:
        """(E,): pairs that each expert worked on."""
        return tuple(stop - start for start, stop in self.ranges)

    @property
    def n_dropped(self) -> int:
        """(token, expert) pairs that found no place."""
        return self.plan.pairs.shape[0] - self.ranges[-1][1]


class MixtureOfExperts(Layer):
    """Owns router: Linear(C, E) without offsets, experts: E times FeedForward, and noise: Linear(C, E) if noisy.

    d_ff: F of each expert, one number or E of them (experts of several scales).  n: E; k: experts for a token.
    renormalise: gates sum to 1; unless told, for k > 1 (top-k), and not for k = 1 (Switch).
    noisy: noise on the logits while training, of a size that is learnt.
    capacity_factor: places of an expert, in even shares; None = no limit, nothing is dropped.  by_importance: tokens
    with the largest gates get places first, instead of the first in the batch.
    level: "token", or "sequence": one choice for all tokens of a sequence, from their mean.
    With a choice for a sequence, or a limit on places, what a token gets depends on later ones: not for step by step.
    losses: name -> coefficient, see ops/router_losses.py; an even load at 0.01 unless told.
    Raises ValueError for k outside 1 .. E and other settings that cannot be.
    """

    def __init__(
        self,
        width: int,
        d_ff: int | Sequence[int],
        rng: np.random.Generator,
        activation: str = "gelu",
        dtype: Any = "float32",
        bias: bool = True,
        *,
        n: int = 8,
        k: int = 2,
        renormalise: bool | None = None,
        noisy: bool = False,
        capacity_factor: float | None = None,
        by_importance: bool = False,
        level: str = "token",
        losses: Mapping[str, float] | None = None,
    ) -> None:
        if n < 1:
            raise ValueError(f"a mixture needs at least one expert, not {n}")
        if not 1 <= k <= n:
            raise ValueError(f"a token can choose 1 to {n} of {n} experts, not {k}")
        if level not in LEVELS:
            raise ValueError(f'the level of routing must be one of {", ".join(LEVELS)}, not "{level}"')
        if capacity_factor is not None:
            expert_capacity(0, n, k, capacity_factor)  # raises for a factor that leaves no place
        self.losses = {"balance": 0.01} if losses is None else dict(losses)
        check_losses(self.losses)
        if self.losses.get("load") and (not noisy or k == n):
            raise ValueError("the load loss asks what noise would change: it needs noisy=True and k < n")
        widths = (d_ff,) * n if isinstance(d_ff, int) else tuple(d_ff)
        if len(widths) != n:
            raise ValueError(f"there are {len(widths)} widths for {n} experts")
        self.k, self.level, self.capacity_factor, self.by_importance = k, level, capacity_factor, by_importance
        self.renormalise = k > 1 if renormalise is None else renormalise
        self.router = Linear(width, n, rng, bias=False, dtype=dtype)
        self.noise = Linear(width, n, rng, bias=False, dtype=dtype) if noisy else None
        self.experts = [FeedForward(width, one, rng, activation, dtype, bias) for one in widths]

    def forward(self, x: Array, rng: Any = None) -> tuple[Array, MixtureOfExpertsCache]:
        """x: (..., C), (B, T, C) for level "sequence" -> y: (..., C).

        rng: the noise of training, None for evaluation.  cache.auxiliary is the loss to add to the model's.
        """
        rows = x.reshape(-1, x.shape[-1])
        n_experts = len(self.experts)
        clean, logits, spread, router, noise = self._route(x, rng)
        chosen = choose_top_k(logits, self.k)
        gates, gates_cache = gates_forward(logits, chosen, self.renormalise)
        plan = plan_dispatch(chosen, n_experts, self._places(chosen, gates))
        slots, _ = dispatch_forward(rows, plan)
        stops = np.cumsum(to_numpy(plan.counts)).tolist()
        ranges = tuple(zip([0, *stops[:-1]], stops, strict=True))
        xp = xp_of(x)
        out = xp.zeros_like(slots)  # rows of dropped pairs stay 0
        caches = []
        for expert, (start, stop) in zip(self.experts, ranges, strict=True):
            out[start:stop], cache = expert.forward(slots[start:stop])
            caches.append(cache)
        y, combine = combine_forward(out, gates, plan)
        auxiliary, losses = router_losses_forward(
            logits, gates, clean, spread, experts=chosen, coefficients=self.losses
        )
        return y.reshape(x.shape), MixtureOfExpertsCache(
            x.shape, router, noise, gates_cache, plan, ranges, tuple(caches), combine, losses, auxiliary
        )

    def backward(self, dy: Array, cache: MixtureOfExpertsCache, dauxiliary: float = 1.0) -> Array:
        """dy: (..., C) -> dx: (..., C).

        dauxiliary: the gradient of cache.auxiliary, 1 where it is added to the loss, 0 to leave it out.
        """
        dout, dgates = combine_backward(dy.reshape(-1, dy.shape[-1]), cache.combine)  # y = combine(out, gates)
        dslots = xp_of(dy).zeros_like(dout)
        for expert, (start, stop), one in zip(self.experts, cache.ranges, cache.experts, strict=True):
            dslots[start:stop] = expert.backward(dout[start:stop], one)  # out = expert(slots), range by range
        dx = dispatch_backward(dslots, cache.plan).reshape(cache.shape)  # slots = dispatch(x)
        more = router_losses_backward(dauxiliary, cache.losses)
        dlogits = gates_backward(dgates + more.dgates, cache.gates) + more.dlogits  # gates = those of logits
        return dx + self._route_backward(dlogits, more.dclean, more.dspread, cache)  # logits = route(x)

    def _route(self, x: Array, rng: Any) -> Any:
        """-> logits before and after the noise, its spread: (N, E), and the caches of router and noise."""
        read = x.reshape(-1, x.shape[-1])
        if self.level == "sequence":
            if x.ndim != 3:
                raise ValueError(f"a choice for each sequence needs x as (B, T, C), not {x.shape}")
            read = x.sum(axis=1) * (1.0 / max(x.shape[1], 1))
        clean, router = self.router.forward(read)
        logits, spread, noise = clean, None, None
        if self.noise is not None and rng is not None:
            raw, raw_cache = self.noise.forward(read)
            drawn = xp_of(x).asarray(rng.standard_normal(clean.shape)).astype(x.real.dtype)
            logits, noise_cache = noisy_logits_forward(clean, raw, drawn)
            spread, noise = noise_cache.spread, (raw_cache, noise_cache)
        if self.level == "sequence":
            clean, logits = self._for_each_token(clean, x), self._for_each_token(logits, x)
            spread = None if spread is None else self._for_each_token(spread, x)
        return clean, logits, spread, router, noise

    def _route_backward(
        self, dlogits: Array, dclean: Array | None, dspread: Array | None, cache: MixtureOfExpertsCache
    ) -> Array:
        """The gradients of what _route gave: (N, E) -> its share of dx: (..., C)."""
        if self.level == "sequence":
            shape = (*cache.shape[:2], dlogits.shape[-1])  # every token read the logits of its sequence
            dlogits = dlogits.reshape(shape).sum(axis=1)
            dclean = None if dclean is None else dclean.reshape(shape).sum(axis=1)
            dspread = None if dspread is None else dspread.reshape(shape).sum(axis=1)
        dread = 0.0
        if self.noise is not None and cache.noise is not None:
            raw_cache, noise_cache = cache.noise
            dlogits, draw = noisy_logits_backward(dlogits, noise_cache, dspread)  # logits = clean + noise * spread(raw)
            dread = self.noise.backward(draw, raw_cache)  # raw = noise(read)
        dclean = dlogits if dclean is None else dlogits + dclean
        dread = dread + self.router.backward(dclean, cache.router)  # clean = router(read)
        if self.level == "sequence":
            length = cache.shape[1]
            return xp_of(dread).zeros(cache.shape, dtype=dread.dtype) + dread[:, None] * (1.0 / max(length, 1))
        return dread.reshape(cache.shape)

    def _places(self, chosen: Array, gates: Array) -> Array | None:
        """keep: (N, k) boolean, or None without a limit."""
        if self.capacity_factor is None:
            return None
        capacity = expert_capacity(chosen.shape[0], len(self.experts), self.k, self.capacity_factor)
        importance = gates.real.max(axis=-1) if self.by_importance else None
        return within_capacity(chosen, len(self.experts), capacity, importance)

    @staticmethod
    def _for_each_token(of_sequence: Array, x: Array) -> Array:
        """(B, E) -> (B T, E)."""
        return xp_of(x).repeat(of_sequence, x.shape[1], axis=0)

    @property
    def n_active_parameters(self) -> int:
        """Parameters that one token meets: those of the router and of k experts (the largest, if they differ)."""
        largest = sorted((expert.n_parameters for expert in self.experts), reverse=True)[: self.k]
        return self.router.n_parameters + sum(largest)

    def flops(self, n_tokens: int) -> int:
        """Multiplications and additions of the matrix products of one forward, without drops, as n_active_parameters.

        A product (1, I) x (I, J) counts 2 I J.  A dense network of the same parameters would cost about E / k as much.
        """
        matrices = [_matrix_size(expert) for expert in self.experts]
        return 2 * n_tokens * (_matrix_size(self.router) + sum(sorted(matrices, reverse=True)[: self.k]))


def auxiliary_losses(cache: Any) -> list[Array]:
    """The auxiliary loss of every mixture in a cache (of a block, a stack or a model), first layer first.

    Their gradients join in backward by themselves; their values are for the record.
    """
    if isinstance(cache, MixtureOfExpertsCache):
        return [cache.auxiliary]
    if isinstance(cache, tuple | list):
        return [loss for part in cache for loss in auxiliary_losses(part)]
    return []


def make_feed_forward(
    d_model: int,
    d_ff: int,
    rng: np.random.Generator,
    activation: str = "gelu",
    dtype: Any = "float32",
    bias: bool = True,
    experts: Mapping[str, Any] | None = None,
) -> Any:
    """The feed-forward part of a block: one network, or with `experts` (settings: n, k ...) a mixture of them."""
    if experts is None:
        return FeedForward(d_model, d_ff, rng, activation, dtype, bias)
    return MixtureOfExperts(
        d_model, rng=rng, activation=activation, dtype=dtype, bias=bias, **{"d_ff": d_ff, **experts}
    )


def run_feed_forward(layer: Any, x: Array, rng: Any) -> tuple[Array, Any]:
    """Runs the feed-forward part of a block, any layer with x: (B, T, C) -> y; a mixture gets rng, for its noise."""
    return layer.forward(x, rng) if isinstance(layer, MixtureOfExperts) else layer.forward(x)


def _matrix_size(layer: Layer) -> int:
    return sum(one.w.value.size for _, one in walk(layer, Linear))

"""Mixture of experts: E feed-forward networks, of which every token uses k.

    logits = router(x)                            (N, C) -> (N, E)
    experts, gates = the k largest, their weights           (ops/experts/top_k_routing.py)
    y_n = sum_j gates_nj FFN_experts_nj(x_n)      only k of the E networks run for a token

Parameters grow with E and the work for a token with k: that is the whole point.  k = E is the dense mixture, and equal
experts with gates that sum to 1 are one network.  The router is trained through the gates, which multiply what the
experts say; the choice itself has no gradient.  Left alone, routers come to prefer few experts; the losses of
ops/experts/router_losses.py speak against it: their sum is left in the cache (nn/auxiliary_losses.py), and its gradient
joins in backward.

Filling at the end of short rows needs no expert.  With `keep` only real tokens are routed, take places and count in the
losses, so that what they get, and every gradient, is what it would be if there were no filling at all.

Tokens are copied to their experts and back by index (ops/experts/expert_dispatch.py), so an expert sees one matrix with
as many rows as it has tokens.  How many these are is known on the host only: on a graphics card forward waits for E
counts, and before that, with `keep`, for how many tokens are real.
Sources: Shazeer et al. 2017, "Outrageously Large Neural Networks"; Lepikhin et al. 2021, "GShard"; Fedus et al. 2022,
"Switch Transformers"; one choice for a whole sequence: Kudugunta et al. 2021, "Beyond Distillation".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.nn.auxiliary_losses import AuxiliaryLoss
from tfx.nn.expert_settings import ExpertSettings
from tfx.nn.feed_forward import FeedForward
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import LinearCache
from tfx.ops.basics.weighted_sum import weighted_sum
from tfx.ops.experts.expert_capacity import expert_capacity, within_capacity
from tfx.ops.experts.expert_dispatch import (
    CombineCache,
    DispatchPlan,
    combine_backward,
    combine_forward,
    dispatch_backward,
    dispatch_forward,
    plan_dispatch,
)
from tfx.ops.experts.noisy_logits import NoisyLogitsCache, noisy_logits_backward, noisy_logits_forward
from tfx.ops.experts.router_losses import RouterLossesCache, router_losses_backward, router_losses_forward
from tfx.ops.experts.top_k_routing import GatesCache, choose_top_k, gates_backward, gates_forward
from tfx.params import Layer, walk


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
    auxiliary: AuxiliaryLoss  # all of these, times their coefficients
    real: Array | None  # (N,): which of the tokens are no filling, None for all
    share: Array | None  # (B, T): of each token in the mean of its sequence, for level "sequence"

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

    d_ff: F of each expert, one number or E of them (experts of several scales).
    settings: what else there is to choose, or the same by name: see nn/expert_settings.py.
    """

    def __init__(
        self,
        width: int,
        d_ff: int | Sequence[int],
        rng: np.random.Generator,
        activation: str = "gelu",
        dtype: Any = "float32",
        bias: bool = True,
        settings: ExpertSettings | None = None,
        **named: Any,
    ) -> None:
        settings = ExpertSettings.of(settings or ExpertSettings(), **named)
        n, self.k, self.losses = settings.n, settings.k, settings.coefficients
        widths: tuple[Any, ...] = tuple(d_ff) if isinstance(d_ff, list | tuple) else (d_ff,) * n
        if len(widths) != n:
            raise ValueError(f"there are {len(widths)} widths for {n} experts")
        self.level, self.capacity_factor = settings.level, settings.capacity_factor
        self.by_importance = settings.by_importance
        self.renormalise = self.k > 1 if settings.renormalise is None else settings.renormalise
        self.router = Linear(width, n, rng, bias=False, dtype=dtype)
        self.noise = Linear(width, n, rng, bias=False, dtype=dtype) if settings.noisy else None
        self.experts = [FeedForward(width, d_expert, rng, activation, dtype, bias) for d_expert in widths]

    @property
    def step_by_step(self) -> bool:
        """Whether what a token gets depends on no other token of the same call."""
        return self.capacity_factor is None and self.level == "token"

    def forward(self, x: Array, rng: Any = None, keep: Array | None = None) -> tuple[Array, MixtureOfExpertsCache]:
        """x: (..., C), (B, T, C) for level "sequence" -> y: (..., C).

        rng: the noise of training, None for evaluation.  keep: (...) boolean, True = a real token; the others get 0.
        cache.auxiliary.value is the loss to add to the model's.
        Raises ValueError when keep is not about the tokens of x.
        """
        if keep is not None and keep.shape != x.shape[:-1]:
            raise ValueError(f"keep is {keep.shape} but x has tokens {x.shape[:-1]}")
        real = None if keep is None else xp_of(x).flatnonzero(keep)
        rows = _real_tokens(x, real)
        n_experts = len(self.experts)
        clean, logits, spread, share, router, noise = self._route(x, rows, keep, real, rng)
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
        value, losses = router_losses_forward(logits, gates, clean, spread, experts=chosen, coefficients=self.losses)
        caches_of_routing = (router, noise, gates_cache, plan, ranges)
        return _among_all(y, real, x.shape), MixtureOfExpertsCache(
            x.shape, *caches_of_routing, tuple(caches), combine, losses, AuxiliaryLoss(value), real, share
        )

    def backward(self, dy: Array, cache: MixtureOfExpertsCache) -> Array:
        """dy: (..., C) -> dx: (..., C), cache.auxiliary.weight times the gradient of the losses included."""
        dout, dgates = combine_backward(_real_tokens(dy, cache.real), cache.combine)  # y = combine(out, gates)
        dslots = xp_of(dy).zeros_like(dout)
        for expert, (start, stop), one in zip(self.experts, cache.ranges, cache.experts, strict=True):
            dslots[start:stop] = expert.backward(dout[start:stop], one)  # out = expert(slots), range by range
        drows = dispatch_backward(dslots, cache.plan)  # slots = dispatch(rows)
        more = router_losses_backward(cache.auxiliary.weight, cache.losses)
        dlogits = gates_backward(dgates + more.dgates, cache.gates) + more.dlogits  # gates = those of logits
        dread = self._route_backward(dlogits, more.dclean, more.dspread, cache)  # logits = route(rows or their means)
        if cache.share is None:
            return _among_all(drows + dread, cache.real, cache.shape)
        return _among_all(drows, cache.real, cache.shape) + cache.share[..., None] * dread[:, None]

    def _route(self, x: Array, rows: Array, keep: Array | None, real: Array | None, rng: Any) -> Any:
        """-> logits before and after the noise, its spread: (N, E), share, and the caches of router and noise."""
        read, share = rows, None
        if self.level == "sequence":
            share = _shares(x, keep)
            read = weighted_sum(share[:, None], x)[:, 0]  # (B, 1, T) x (B, T, C)
        clean, router = self.router.forward(read)
        logits, spread, noise = clean, None, None
        if self.noise is not None and rng is not None:
            raw, raw_cache = self.noise.forward(read)
            drawn = xp_of(x).asarray(rng.standard_normal(clean.shape)).astype(x.real.dtype)
            logits, noise_cache = noisy_logits_forward(clean, raw, drawn)
            spread, noise = noise_cache.spread, (raw_cache, noise_cache)
        if self.level == "sequence":
            clean, logits = _for_each_token(clean, x, real), _for_each_token(logits, x, real)
            spread = None if spread is None else _for_each_token(spread, x, real)
        return clean, logits, spread, share, router, noise

    def _route_backward(
        self, dlogits: Array, dclean: Array | None, dspread: Array | None, cache: MixtureOfExpertsCache
    ) -> Array:
        """The gradients of what _route gave: (N, E) -> that of what the router read: (N, C), or (B, C) of sequences."""
        if self.level == "sequence":
            shape = (*cache.shape[:2], dlogits.shape[-1])  # every token read the logits of its sequence
            dlogits = _among_all(dlogits, cache.real, shape).sum(axis=1)
            dclean = None if dclean is None else _among_all(dclean, cache.real, shape).sum(axis=1)
            dspread = None if dspread is None else _among_all(dspread, cache.real, shape).sum(axis=1)
        dread = 0.0
        if self.noise is not None and cache.noise is not None:
            raw_cache, noise_cache = cache.noise
            dlogits, draw = noisy_logits_backward(dlogits, noise_cache, dspread)  # logits = clean + noise * spread(raw)
            dread = self.noise.backward(draw, raw_cache)  # raw = noise(read)
        dclean = dlogits if dclean is None else dlogits + dclean
        return dread + self.router.backward(dclean, cache.router)  # clean = router(read)

    def _places(self, chosen: Array, gates: Array) -> Array | None:
        """keep: (N, k) boolean, or None without a limit."""
        if self.capacity_factor is None:
            return None
        capacity = expert_capacity(chosen.shape[0], len(self.experts), self.k, self.capacity_factor)
        importance = gates.real.max(axis=-1) if self.by_importance else None
        return within_capacity(chosen, len(self.experts), capacity, importance)

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


def _real_tokens(x: Array, real: Array | None) -> Array:
    """(..., C) -> (N, C)."""
    rows = x.reshape(-1, x.shape[-1])
    return rows if real is None else rows[real]


def _among_all(rows: Array, real: Array | None, shape: tuple[int, ...]) -> Array:
    """(N, C) -> (..., C) of that shape, 0 in places of filling: what undoes _real_tokens, and its gradient."""
    if real is None:
        return rows.reshape(shape)
    every = xp_of(rows).zeros((math.prod(shape[:-1]), shape[-1]), dtype=rows.dtype)
    every[real] = rows
    return every.reshape(shape)


def _shares(x: Array, keep: Array | None) -> Array:
    """(B, T): 1 / how many real tokens the sequence has, 0 for filling."""
    if x.ndim != 3:
        raise ValueError(f"a choice for each sequence needs x as (B, T, C), not {x.shape}")
    xp = xp_of(x)
    counted = xp.ones(x.shape[:2], dtype=x.real.dtype) if keep is None else keep.astype(x.real.dtype)
    return counted / xp.maximum(counted.sum(axis=1, keepdims=True), 1)


def _for_each_token(of_sequence: Array, x: Array, real: Array | None) -> Array:
    """(B, E) -> (N, E)."""
    return _real_tokens(xp_of(x).repeat(of_sequence, x.shape[1], axis=0), real)


def _matrix_size(layer: Layer) -> int:
    return sum(one.w.value.size for _, one in walk(layer, Linear))

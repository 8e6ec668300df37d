"""Soft mixture of experts: every expert works on averages of all tokens, and nothing is chosen.

    logits = x Phi                                (B, T, C) x (C, M) -> (B, T, M)       M = E P slots, P for each expert
    slots = softmax over the tokens(logits)^T x             (B, M, C)    dispatch: a slot is an average of the tokens
    out_e = FFN_e(its P slots)
    y = softmax over the slots(logits) out                  (B, T, C)    combine: a token is an average of the results

Both ends are averages with softmax weights, so both are the attention of ops/attention/attend.py: slots that attend to
tokens with scores logits^T, and tokens that attend to slots.  No token is dropped, no expert is idle, no loss for
balance is needed, and the gradient is exact: there is no choice.  The cost depends on M alone, M FFN passes for T
tokens; it pays where many experts fit into M = T slots.

What is given up: every output depends on every token of its sequence, so it cannot be used causally, and y changes when
padding is added.  The paper also normalises x and Phi before the product when C is large; that is left out here.

Derivation.  The logits are read twice, and Phi gets the sum of both gradients; x is read by the averages and by Phi.
Source: Puigcerver et al. 2024, "From Sparse to Soft Mixtures of Experts", equations 1 to 3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.feed_forward import FeedForwardSettings, feed_forward_of
from tfx.nn.linear import Linear
from tfx.ops.attention.attend import AttendCache, attend_backward, attend_forward
from tfx.ops.basics.linear import LinearCache
from tfx.params import Layer


class SoftExpertsCache(NamedTuple):
    phi: LinearCache
    dispatch: AttendCache  # .weights: (B, M, T)
    experts: tuple[Any, ...]
    combine: AttendCache  # .weights: (B, T, M)


class SoftExperts(Layer):
    """Owns phi: Linear(C, E P) without offsets and experts: E times FeedForward(C, F).  n: E; n_slots: P."""

    def __init__(
        self, settings: FeedForwardSettings, rng: np.random.Generator, *, n: int = 8, n_slots: int = 1
    ) -> None:
        whole_number("n, the experts of a soft mixture,", n, 1)
        whole_number("n_slots", n_slots, 1)
        self.n_slots = n_slots
        self.phi = Linear(settings.d_model, n * n_slots, rng, bias=False, dtype=settings.dtype)
        self.experts = [feed_forward_of(settings, rng) for _ in range(n)]

    def forward(self, x: Array) -> tuple[Array, SoftExpertsCache]:
        """x: (B, T, C) -> y: (B, T, C)."""
        if x.ndim < 2:
            raise ValueError(f"a soft mixture reads (..., T, C), all tokens of a sequence, not {x.shape}")
        logits, phi = self.phi.forward(x)
        slots, dispatch = attend_forward(logits.swapaxes(-1, -2), x)
        parts, caches = [], []
        for expert, part in zip(self.experts, self._parts(), strict=True):
            out, cache = expert.forward(slots[..., part, :])
            parts.append(out)
            caches.append(cache)
        y, combine = attend_forward(logits, xp_of(x).concatenate(parts, axis=-2))
        return y, SoftExpertsCache(phi, dispatch, tuple(caches), combine)

    def backward(self, dy: Array, cache: SoftExpertsCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        dlogits, dout = attend_backward(dy, cache.combine)  # y = combine(logits, out)
        dparts = [
            expert.backward(dout[..., part, :], one)  # out = expert(its slots)
            for expert, part, one in zip(self.experts, self._parts(), cache.experts, strict=True)
        ]
        dslots = xp_of(dy).concatenate(dparts, axis=-2)
        dscores, dx = attend_backward(dslots, cache.dispatch)  # slots = dispatch(logits^T, x)
        dlogits = dlogits + dscores.swapaxes(-1, -2)  # the logits were read twice
        return dx + self.phi.backward(dlogits, cache.phi)  # logits = phi(x)

    def _parts(self) -> list[slice]:
        return [slice(e * self.n_slots, (e + 1) * self.n_slots) for e in range(len(self.experts))]

"""Load of an expert: how many tokens it gets, made smooth so that it has a gradient.

Counts are integers.  With noisy logits h = clean + noise s one can ask instead how probable it is that expert i would
be chosen if its own noise were drawn once more, all else fixed.  It has to beat a threshold:

    t_ni = the k-th largest of h_n without h_ni           the (k+1)-th of all if i is among the first k, else the k-th
    z_ni = (clean_ni - t_ni) / s_ni
    load_i = sum_n Phi(z_ni)                              Phi: distribution function of the normal distribution

Derivation.  With the order of the logits held fixed, each t_ni is one of the h_n.  dPhi/dz = phi(z), the density:

    dz = dload phi(z)      dclean = dz / s      ds = -dz z / s      dt = -dz / s, added up at the logit that t is

The thresholds of all chosen experts are the same logit, those of all others too, so each gets a sum of many terms.
Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", appendix A, equations 8 to 11.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.feed_forward.erf import erfc


class ExpertLoadCache(NamedTuple):
    z: Array  # (N, E)
    spread: Array  # (N, E)
    order: Array  # (N, E): experts by falling logit
    chosen: Array  # (N, E) boolean
    k: int


class ExpertLoadGrads(NamedTuple):
    dclean: Array
    dnoisy: Array
    dspread: Array


@in_float32
def expert_load_forward(clean: Array, noisy: Array, spread: Array, k: int) -> tuple[Array, ExpertLoadCache]:
    """clean, noisy: (N, E) logits without and with noise, spread: (N, E), positive -> load: (E,), cache.

    load sums to about k N.  Raises ValueError unless 1 <= k < E: with k = E every expert is always chosen.
    """
    if not clean.shape == noisy.shape == spread.shape:
        raise ValueError(f"clean logits are {clean.shape}, noisy ones {noisy.shape} and spreads {spread.shape}")
    n_experts = clean.shape[-1]
    if not 1 <= k < n_experts:
        raise ValueError(f"the load has a threshold only for 1 <= k < {n_experts} experts, not for k = {k}")
    xp = xp_of(clean)
    order = xp.argsort(-noisy, axis=-1, kind="stable")
    rank = xp.argsort(order, axis=-1, kind="stable")
    chosen = rank < k
    edges = xp.take_along_axis(noisy, order[:, k - 1 : k + 1], axis=-1)  # the k-th and the (k+1)-th
    threshold = xp.where(chosen, edges[:, 1:], edges[:, :1])
    z = (clean - threshold) / spread
    load = (0.5 * erfc(z * -math.sqrt(0.5))).sum(axis=0)
    return load, ExpertLoadCache(z, spread, order, chosen, k)


@in_float32
def expert_load_backward(dload: Array, cache: ExpertLoadCache) -> ExpertLoadGrads:
    """dload: (E,) -> dclean, dnoisy, dspread: (N, E)."""
    z, spread, order, chosen, k = cache
    xp = xp_of(z)
    dz = dload * xp.exp(-0.5 * z * z) * (1.0 / math.sqrt(2.0 * math.pi))  # load = sum of Phi(z)
    dclean = dz / spread  # z = (clean - threshold) / spread
    dspread = -dclean * z
    of_chosen = xp.where(chosen, dclean, 0).sum(axis=-1, keepdims=True)
    of_others = xp.where(chosen, 0, dclean).sum(axis=-1, keepdims=True)
    rank = xp.argsort(order, axis=-1, kind="stable")
    dnoisy = xp.where(rank == k, -of_chosen, 0) + xp.where(rank == k - 1, -of_others, 0)  # threshold = one of noisy
    return ExpertLoadGrads(dclean, dnoisy.astype(z.dtype), dspread)

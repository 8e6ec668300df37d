"""Kullback-Leibler divergence: how many nats it costs to believe q when p is true.

    KL(p || q) = sum_v p_v (log p_v - log q_v)            at least 0, and 0 only for p = q

It is cross-entropy minus the entropy of p, so with a fixed p both have the same gradient in q.  It is not symmetric:
where p > 0 and q is nearly 0 it is dear, the other way round nearly free.

Derivation.  Term by term, with p given as it is, or as l = log p:

    d/dlog q_v = - p_v
    d/dp_v     = log p_v - log q_v + 1        the 1 is the slope of p log p; at p = 0 that slope is -inf
    d/dl_v     = p_v (log p_v - log q_v + 1)

As p sums to 1, the 1 moves all p_v alike and drops out once a softmax stands behind p.
Source: Kullback and Leibler 1951, "On Information and Sufficiency", equation 2.4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward


class KlDivergenceCache(NamedTuple):
    p: Array
    difference: Array  # log p - log q; -inf where p is 0
    log_target: bool
    reduction: ReductionCache


class KlDivergenceGrads(NamedTuple):
    dlog_q: Array
    dtarget: Array


@in_float32
def kl_divergence_forward(
    log_q: Array, target: Array, log_target: bool = False, reduction: str = "batchmean"
) -> tuple[Array, KlDivergenceCache]:
    """log_q: (..., V), the model's log-probabilities; target: (..., V), p, or log p with log_target -> loss, cache.

    A term with p = 0 is 0.  reduction: "batchmean" is the sum over the length of the first axis, the mean divergence of
    a batch (B, V); "mean" divides by the number of terms, which is V times less; "sum"; "none" leaves the terms.
    Raises ValueError when the shapes differ or for an unknown reduction.
    """
    if log_q.shape != target.shape:
        raise ValueError(f"the target is {target.shape} but the log-probabilities are {log_q.shape}")
    xp = xp_of(log_q)
    p = xp.exp(target) if log_target else target
    never = p == 0
    log_p = target if log_target else xp.log(xp.where(never, 1, p))
    difference = xp.where(never, -math.inf, log_p) - xp.where(never, 0, log_q)
    terms = p * xp.where(never, 0, difference)
    batch = reduction == "batchmean"
    count = len(log_q) if batch and log_q.ndim else None
    loss, reduced = reduction_forward(terms, "mean" if batch else reduction, count)
    return loss, KlDivergenceCache(p, difference, log_target, reduced)


@in_float32
def kl_divergence_backward(dloss: Array | float, cache: KlDivergenceCache) -> KlDivergenceGrads:
    """dloss: scalar, usually 1 (for "none": (..., V)) -> dlog_q: (..., V), dtarget: (..., V)."""
    p, difference, log_target, reduced = cache
    dterms = reduction_backward(dloss, reduced)
    dlog_q = -p * dterms  # terms = p * (log p - log q)
    dp = (difference + 1) * dterms  # ... p is read twice: in front, and in log p
    if not log_target:
        return KlDivergenceGrads(dlog_q, dp)
    return KlDivergenceGrads(dlog_q, p * xp_of(p).where(p == 0, 0, dp))  # p = exp(target)

"""Consistency loss: two predictions for the same input should agree (R-Drop: two passes with different dropout).

    p = softmax(x), q = softmax(z)            two passes over the same tokens
    loss = mean over kept tokens of  (KL(p || q) + KL(q || p)) / 2

Derivation.  With a = log p and b = log q, the two divergences of a token add up to

    J = sum_v (p_v - q_v) (a_v - b_v)                 symmetric, at least 0, and 0 only for p = q

As p = exp(a):  dJ/da_v = p_v (a_v - b_v) + p_v - q_v, and the same for b with the roles exchanged.  Behind it stand
two log-softmaxes.  Both passes get a gradient: neither is a teacher, and stopping one would be another loss
(virtual adversarial training and mean teachers do that).
Source: Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", equation 2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import kept_scores


class ConsistencyLossCache(NamedTuple):
    first: LogSoftmaxCache
    second: LogSoftmaxCache
    reduction: ReductionCache


class ConsistencyLossGrads(NamedTuple):
    dfirst: Array
    dsecond: Array


@in_float32
def consistency_loss_forward(
    first: Array, second: Array, keep: Array | None = None, reduction: str = "mean"
) -> tuple[Array, ConsistencyLossCache]:
    """first, second: (..., V) logits of two passes -> loss: scalar in their dtype ("none": (...,)), cache.

    keep: (...,) bool, True = this token counts; with no token kept the loss is 0.
    Raises ValueError when the shapes differ, TypeError when keep is not boolean.
    """
    if first.shape != second.shape:
        raise ValueError(f"the first pass gave {first.shape} but the second {second.shape}")
    xp = xp_of(first)
    first, second = kept_scores(first, keep), kept_scores(second, keep)
    a, first_cache = log_softmax_forward(first)
    b, second_cache = log_softmax_forward(second)
    losses = 0.5 * ((xp.exp(a) - xp.exp(b)) * (a - b)).sum(axis=-1)
    loss, reduced = reduction_forward(losses, reduction, keep=keep)
    return loss, ConsistencyLossCache(first_cache, second_cache, reduced)


@in_float32
def consistency_loss_backward(dloss: Array | float, cache: ConsistencyLossCache) -> ConsistencyLossGrads:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dfirst, dsecond: (..., V)."""
    first, second, reduced = cache
    xp = xp_of(first.y)
    dlosses = reduction_backward(dloss, reduced)
    half = 0.5 * dlosses[..., None]
    p, q = xp.exp(first.y), xp.exp(second.y)
    apart, difference = p - q, first.y - second.y  # losses = sum((p - q) (a - b)) / 2
    da = half * (p * difference + apart)  # a is read in p as well
    db = -half * (q * difference + apart)
    return ConsistencyLossGrads(log_softmax_backward(da, first), log_softmax_backward(db, second))

"""Cross-entropy with a distribution for target: soft labels, as when a small model learns from a large one.

    q'_v = (1 - s) q_v + s / V                    the target, smoothed
    loss = mean over kept tokens of  - sum_v w_v q'_v log p_v,         p = softmax(x)

With q one-hot it is ops/losses/cross_entropy.py, except for class weights: a mean divides by the number of tokens,
because there is no one class whose weight would count (the convention of PyTorch).

Derivation.  With a_v = w_v q'_v, and d(log p_v)/dx_j = delta_vj - p_j, one token has

    dloss/dx_j = p_j sum_v a_v - a_j              prediction minus target, if the target sums to 1
    dloss/dq_v = - (1 - s) w_v log p_v            an unlikely class is dear
    dloss/dw_v = - q'_v log p_v,                  summed over the tokens, which share w

Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2 (at temperature 1).
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import kept_scores


class SoftCrossEntropyCache(NamedTuple):
    log_probs: LogSoftmaxCache
    smoothed: Array  # q', 0 where not kept
    smoothing: float
    class_weights: Array | None
    reduction: ReductionCache


class SoftCrossEntropyGrads(NamedTuple):
    dlogits: Array
    dtargets: Array
    dclass_weights: Array | None


@in_float32
def soft_cross_entropy_forward(
    logits: Array,
    targets: Array,
    smoothing: float = 0.0,
    keep: Array | None = None,
    class_weights: Array | None = None,
    reduction: str = "mean",
) -> tuple[Array, SoftCrossEntropyCache]:
    """logits: (..., V), targets: (..., V) distributions -> loss: scalar in logits' dtype ("none": (...,)), cache.

    keep: (...,) bool, True = this token counts; with no token kept the loss is 0.  class_weights: (V,).
    A class that cannot happen (logit -inf) costs nothing where its smoothed target is 0, and infinity elsewhere.
    Raises ValueError for shapes that differ and for s outside [0, 1], TypeError when keep is not boolean.
    """
    if targets.shape != logits.shape:
        raise ValueError(f"targets are {targets.shape} but logits are {logits.shape}")
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"label smoothing must be between 0 and 1, not {smoothing}")
    if class_weights is not None and class_weights.shape != logits.shape[-1:]:
        raise ValueError(f"class weights are {class_weights.shape} but there are {logits.shape[-1]} classes")
    xp = xp_of(logits)
    smoothed = (1.0 - smoothing) * targets + smoothing / logits.shape[-1]
    logits, smoothed = (kept_scores(given, keep) for given in (logits, smoothed))
    log_probs, softmax_cache = log_softmax_forward(logits)
    costs = _weighted(smoothed, class_weights) * xp.where(smoothed == 0, 0, log_probs)
    loss, reduced = reduction_forward(-costs.sum(axis=-1), reduction, keep=keep)
    return loss, SoftCrossEntropyCache(softmax_cache, smoothed, smoothing, class_weights, reduced)


@in_float32
def soft_cross_entropy_backward(dloss: Array | float, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dlogits: (..., V), dtargets: (..., V), dclass_weights: (V,)."""
    softmax_cache, smoothed, smoothing, class_weights, reduced = cache
    dlosses = reduction_backward(dloss, reduced)[..., None]
    dlog_probs = -_weighted(smoothed, class_weights) * dlosses  # loss = -sum(weights * smoothed * log_probs)
    dlogits = log_softmax_backward(dlog_probs, softmax_cache)  # log_probs = log_softmax(logits)
    dcosts = -softmax_cache.y * dlosses
    dtargets = _weighted((1.0 - smoothing) * dcosts, class_weights)  # smoothed = (1 - s) targets + s / V
    dclass_weights = None
    if class_weights is not None:
        dclass_weights = (dcosts * smoothed).sum(axis=tuple(range(smoothed.ndim - 1)))  # every token used the same
    return SoftCrossEntropyGrads(dlogits, dtargets, dclass_weights)


def _weighted(x: Array, class_weights: Array | None) -> Array:
    return x if class_weights is None else x * class_weights

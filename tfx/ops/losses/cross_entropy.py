"""Cross-entropy of a softmax, with label smoothing, over the tokens that count.

    log p_v = x_v - log sum_k exp(x_k)                       log-softmax of the logits x
    q_v     = (1 - s) [v = target] + s / V                   the target, smoothed by s over all V classes
    loss    = mean over kept tokens of  - sum_v q_v log p_v

Derivation.  For one token, d(log p_v)/dx_j = delta_vj - p_j, so

    dloss/dx_j = - sum_v q_v (delta_vj - p_j) = p_j sum_v q_v - q_j = p_j - q_j         prediction minus target

and the mean divides by n.  Class weights w_v (for classes that are rare) multiply q_v; then q no longer sums to 1, and
its sum stays in front of p_j:  q_v = (1 - s) w_target [v = target] + s w_v / V.

log p is never taken of a rounded p: the maximum is subtracted and the logarithm applied to the sum alone, so a logit
of -1e30 costs 1e30 nats and not log(0).
In a few lines: `short_cross_entropy` in ops/basics/short_forms.py.
Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7; Vaswani et al. 2017, section 5.4
(s = 0.1).  Class weights as in PyTorch: a mean divides by the sum of w_target.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.logsumexp import minus_largest
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import Targets, at_targets, checked_targets, subtract_at_targets


class SmoothedTarget(NamedTuple):
    """q_v = hit [v = target] + every_v."""

    hit: Array | float  # (...,) or one number for all tokens: (1 - s) w_target
    every: Array | float | None  # (V,) or one number for all classes: s w_v / V; None without smoothing
    sum: Array | float  # (...,) or one number: 1 without class weights


class CrossEntropyCache(NamedTuple):
    exps: Array  # (..., V): exp(x - max x), from which p is one division away
    total: Array  # (...,): their sum
    targets: Targets
    q: SmoothedTarget
    reduction: ReductionCache

    @property
    def token_losses(self) -> Array:
        """(...,): the loss of each token, 0 where not kept."""
        return self.reduction.losses


@in_float32
def cross_entropy_forward(
    logits: Array,
    targets: Array,
    smoothing: float = 0.0,
    keep: Array | None = None,
    class_weights: Array | None = None,
    reduction: str = "mean",
) -> tuple[Array, CrossEntropyCache]:
    """logits: (..., V), targets: (...,) integers -> loss: scalar in logits' dtype ("none": (...,)), cache.

    keep: (...,) bool, True = this token counts; with no token kept the loss is 0.  A target that is not kept may be any
    number.  class_weights: (V,), constants.  reduction: "mean" over the kept tokens, "sum" or "none".
    A logit of -inf is a class that cannot happen: the loss is inf if it is the target or if s > 0.  NaN stays NaN.
    Raises ValueError for a kept target outside 0 .. V - 1, for shapes that differ and for s outside [0, 1), TypeError
    for targets that are not integers or a keep that is not boolean.  For targets that are already on a graphics card
    such a target gives NaN instead, because an exception would make the card wait.
    """
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"label smoothing must be at least 0 and below 1, not {smoothing}")
    xp = xp_of(logits)
    target = checked_targets(logits, targets, keep, class_weights)
    q = _smoothed(target, smoothing, logits.shape[-1])
    shifted, _ = minus_largest(logits)  # (..., V) -> (..., V)
    wanted = q.hit * at_targets(shifted, target.ids)  # sum over v of q_v shifted_v: (..., V), (...,) -> (...,)
    if q.every is not None:
        wanted = wanted + (shifted * q.every).sum(axis=-1)  # (..., V), (V,) -> (...,)
    exps = xp.exp(shifted, out=shifted)  # (..., V) -> (..., V)
    total = exps.sum(axis=-1)  # (..., V) -> (...,)
    losses = q.sum * xp.log(total) - wanted  # -sum(q log p), log p = shifted - log(total): (...,), (...,) -> (...,)
    if target.keep is not None:
        losses = xp.where(target.keep, losses, 0)  # (...,) -> (...,)
    # a mean or a sum: (...,) -> ()
    loss, reduced = reduction_forward(losses.astype(logits.dtype), reduction, target.n_counted)
    return loss, CrossEntropyCache(exps, total, target, q, reduced)


@in_float32
def cross_entropy_backward(dloss: Array | float, cache: CrossEntropyCache) -> Array:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dlogits: (..., V), 0 where not kept."""
    exps, total, target, q, reduced = cache
    dlosses = reduction_backward(dloss, reduced)  # 1 / n each, for a mean: () -> (...,)
    dlogits = exps * (q.sum * dlosses / total)[..., None]  # the prediction p = exps / total ...: (...,) -> (..., V)
    subtract_at_targets(dlogits, target.ids, q.hit * dlosses)  # ... minus the target, in place: (..., V)
    if q.every is not None:
        dlogits -= q.every * dlosses[..., None]  # ... and what every class got: (V,), (..., 1) -> (..., V)
    if target.keep is not None:
        dlogits = xp_of(exps).where(target.keep[..., None], dlogits, 0)  # (..., 1), (..., V) -> (..., V)
    return dlogits.astype(exps.dtype, copy=False)


def _smoothed(target: Targets, smoothing: float, n_classes: int) -> SmoothedTarget:
    hit, every = (1.0 - smoothing) * target.weights, smoothing / n_classes
    if not smoothing:
        return SmoothedTarget(hit, None, hit)
    if target.class_weights is None:
        return SmoothedTarget(hit, every, hit + smoothing)
    return SmoothedTarget(hit, every * target.class_weights, hit + (every * target.class_weights).sum())

"""Focal loss: cross-entropy that cares less about what is right already.

    l_n  = log p_n,  p_n the probability of token n's target                 log-softmax of the logits
    loss = mean over kept tokens of  - w (1 - p_n)^g l_n                     w the weight of the target's class

With g = 0 it is cross-entropy.  With g = 2 a token at p = 0.9 costs 100 times less than there and one at p = 0.99 costs
10 000 times less, so that thousands of easy tokens no longer outvote a few hard ones.

Derivation.  With l = log p, so that p = e^l and dp/dl = p, for one token

    f(l)    = - (1 - p)^g l
    df/dl   = - (1 - p)^g + g (1 - p)^(g - 1) p l        both parts are negative: a larger p always costs less
    dl/dx_j = [j = target] - p_j                          log-softmax
    df/dx_j = df/dl ([j = target] - p_j)

At g = 0 df/dl = -1, and that is p_j - [j = target].  As p -> 1, l is about -(1 - p), so the second part goes to 0 like
(1 - p)^g although (1 - p)^(g - 1) may not: it is taken as 0 there.  1 - p is computed as -expm1(l), which keeps its
digits where p rounds to 1.
Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 5 and appendix B.  The mean divides by the
number of kept tokens (or the sum of their weights); the paper divides by the number of objects.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import Targets, at_targets, checked_targets, kept_scores, subtract_at_targets


class FocalLossCache(NamedTuple):
    log_probs: LogSoftmaxCache
    l: Array  # noqa: E741  (...,): log p of the targets
    gamma: float
    targets: Targets
    reduction: ReductionCache


@in_float32
def focal_loss_forward(
    logits: Array,
    targets: Array,
    gamma: float = 2.0,
    keep: Array | None = None,
    class_weights: Array | None = None,
    reduction: str = "mean",
) -> tuple[Array, FocalLossCache]:
    """logits: (..., V), targets: (...,) integers -> loss: scalar in logits' dtype ("none": (...,)), cache.

    gamma: g, the paper's best is 2.  Everything else as in cross_entropy_forward.
    Raises ValueError for a negative gamma, and what cross_entropy_forward raises.
    """
    if number("gamma", gamma) < 0:
        raise ValueError(f"gamma must be at least 0, not {gamma}: below 0 the easy tokens would count more")
    target = checked_targets(logits, targets, keep, class_weights)
    log_probs, softmax_cache = log_softmax_forward(kept_scores(logits, target.keep))
    l = at_targets(log_probs, target.ids)  # noqa: E741
    losses = -target.weights * _missing(l) ** gamma * l
    losses = losses.astype(logits.dtype, copy=False)
    loss, reduced = reduction_forward(losses, reduction, target.n_counted, target.keep)
    return loss, FocalLossCache(softmax_cache, l, gamma, target, reduced)


@in_float32
def focal_loss_backward(dloss: Array | float, cache: FocalLossCache) -> Array:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dlogits: (..., V), 0 where not kept."""
    softmax_cache, l, gamma, target, reduced = cache  # noqa: E741
    xp = xp_of(l)
    dlosses = reduction_backward(dloss, reduced)
    missing = _missing(l)
    slope = -(missing**gamma)  # losses = -(1 - p)^g l: l read in the second factor ...
    if gamma:
        # ... and p = exp(l) in the first; where p is 1, l is 0, and so is the product
        steep = xp.where(missing > 0, missing, 1) ** (gamma - 1)
        slope = slope + gamma * steep * xp.exp(l) * l
    dl = target.weights * slope * dlosses
    if target.keep is not None:
        dl = xp.where(target.keep, dl, 0)
    dlog_probs = xp.zeros_like(softmax_cache.y)
    subtract_at_targets(dlog_probs, target.ids, -dl.astype(dlog_probs.dtype, copy=False))  # l = log_probs[target]
    return log_softmax_backward(dlog_probs, softmax_cache)


def _missing(l: Array) -> Array:  # noqa: E741
    """1 - p for l = log p, with all its digits."""
    return -xp_of(l).expm1(l)

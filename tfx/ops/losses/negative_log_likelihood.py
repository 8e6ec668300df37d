"""Negative log-likelihood: the loss of a model that already gives log-probabilities.

    loss = mean over kept tokens of  - log p_target

Cross-entropy (ops/losses/cross_entropy.py) is this after a log-softmax, with both backwards merged.  On its own it
serves models whose probabilities are not one softmax: a mixture of generating and copying, or a sum over alignments.

Derivation.  Only the target's log-probability enters: dlog p_v = -w_target dloss / n at v = target, and 0 elsewhere.
With a softmax below it, d(log p_v)/dx_j = delta_vj - p_j makes p - q of that.
Source: Bishop 2006, "Pattern Recognition and Machine Learning", section 4.3.4; class weights as in
ops/losses/targets.py.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import Targets, at_targets, checked_targets, subtract_at_targets


class NegativeLogLikelihoodCache(NamedTuple):
    log_probs: Array
    targets: Targets
    reduction: ReductionCache


@in_float32
def negative_log_likelihood_forward(
    log_probs: Array,
    targets: Array,
    keep: Array | None = None,
    class_weights: Array | None = None,
    reduction: str = "mean",
) -> tuple[Array, NegativeLogLikelihoodCache]:
    """log_probs: (..., V), targets: (...,) integers -> loss: scalar in their dtype ("none": (...,)), cache.

    keep, class_weights, reduction and what is raised: as in `cross_entropy_forward`.
    """
    target = checked_targets(log_probs, targets, keep, class_weights)
    losses = -target.weights * at_targets(log_probs, target.ids)
    loss, reduced = reduction_forward(losses.astype(log_probs.dtype), reduction, target.n_counted, target.keep)
    return loss, NegativeLogLikelihoodCache(log_probs, target, reduced)


@in_float32
def negative_log_likelihood_backward(dloss: Array | float, cache: NegativeLogLikelihoodCache) -> Array:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dlog_probs: (..., V), 0 but at the kept targets."""
    log_probs, target, reduced = cache
    xp = xp_of(log_probs)
    dlosses = reduction_backward(dloss, reduced)
    dlog_probs = xp.zeros_like(log_probs)
    subtract_at_targets(dlog_probs, target.ids, target.weights * dlosses)  # loss = -weight * log_probs[target]
    return dlog_probs

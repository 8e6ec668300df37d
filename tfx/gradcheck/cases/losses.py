"""Losses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.cross_entropy import CrossEntropyCache, cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.kl_divergence import (
    KlDivergenceCache,
    KlDivergenceGrads,
    kl_divergence_backward,
    kl_divergence_forward,
)
from tfx.ops.losses.negative_log_likelihood import (
    NegativeLogLikelihoodCache,
    negative_log_likelihood_backward,
    negative_log_likelihood_forward,
)
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.soft_cross_entropy import (
    SoftCrossEntropyCache,
    SoftCrossEntropyGrads,
    soft_cross_entropy_backward,
    soft_cross_entropy_forward,
)


def cross_entropy(
    rng: Rng,
    smoothing: float = 0.0,
    kept: int | None = None,
    scale: float = 1.0,
    weighted: bool = False,
    reduction: str = "mean",
) -> Problem:
    """kept: how many of the B * T tokens count; all without a `keep` when None."""
    targets = rng.integers(0, V, (B, T))
    keep = None
    if kept is not None:
        keep = (rng.permutation(B * T) < kept).reshape(B, T)
        targets = np.where(keep, targets, -100)
    fixed = {"targets": targets, "smoothing": smoothing, "keep": keep, "reduction": reduction}
    if weighted:
        fixed["class_weights"] = rng.uniform(0.2, 3.0, V)
    logits = scale * rng.standard_normal((B, T, V))
    return Problem(cross_entropy_forward, cross_entropy_backward, {"logits": logits}, fixed)


def reduction(rng: Rng, kind: str) -> Problem:
    fixed = {"reduction": kind, "count": np.array(6)}
    return Problem(reduction_forward, reduction_backward, {"losses": rng.standard_normal((B, T))}, fixed)


def negative_log_likelihood(rng: Rng, weighted: bool = False, **settings: Any) -> Problem:
    made = cross_entropy(rng, weighted=weighted, **settings)
    fixed = {name: value for name, value in made.fixed.items() if name != "smoothing"}
    inputs = {"log_probs": made.inputs["logits"] - 3.0}
    return Problem(negative_log_likelihood_forward, negative_log_likelihood_backward, inputs, fixed)


def soft_cross_entropy(rng: Rng, kept: int | None = None, weighted: bool = False, **settings: Any) -> Problem:
    """The targets are positive and do not sum to 1: their gradient is that of any numbers."""
    inputs = {"logits": rng.standard_normal((B, T, V)), "targets": rng.uniform(0.1, 1.0, (B, T, V))}
    if weighted:
        inputs["class_weights"] = rng.uniform(0.2, 3.0, V)
    keep = None if kept is None else (rng.permutation(B * T) < kept).reshape(B, T)
    fixed = {"keep": keep, **settings}
    return Problem(soft_cross_entropy_forward, soft_cross_entropy_backward, inputs, fixed)


def kl_divergence(rng: Rng, log_target: bool = False, reduction: str = "batchmean") -> Problem:
    target = rng.standard_normal((B, T, V)) if log_target else rng.uniform(0.1, 1.0, (B, T, V))
    inputs = {"log_q": rng.standard_normal((B, T, V)), "target": target}
    fixed = {"log_target": log_target, "reduction": reduction}
    return Problem(kl_divergence_forward, kl_divergence_backward, inputs, fixed)


def negative_log_likelihood_everywhere(dloss: Any, cache: NegativeLogLikelihoodCache) -> Any:
    """p - q, which is the gradient of the logits below a softmax, where that of the log-probabilities was asked."""
    return negative_log_likelihood_backward(dloss, cache) + np.exp(cache.log_probs) * dloss / cache.targets.n_counted


def soft_cross_entropy_target_sums_to_one(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    """p - q, with the sum of the target left out."""
    grads = soft_cross_entropy_backward(dloss, cache)
    extra = cache.smoothed.sum(axis=-1, keepdims=True) - 1
    return grads._replace(dlogits=grads.dlogits - np.exp(cache.log_probs.y) * extra * dloss / cache.reduction.divisor)


def soft_cross_entropy_target_unsmoothed(dloss: Any, cache: SoftCrossEntropyCache) -> SoftCrossEntropyGrads:
    grads = soft_cross_entropy_backward(dloss, cache)
    return grads._replace(dtargets=grads.dtargets / (1 - cache.smoothing))


def kl_divergence_without_the_one(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    """The target is read twice, and only its first reading is counted."""
    return kl_divergence_backward(dloss, cache._replace(difference=cache.difference - 1))


def kl_divergence_log_target_taken_for_target(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    return kl_divergence_backward(dloss, cache._replace(log_target=False))


def cross_entropy_summed(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache) * cache.targets.n_counted


def cross_entropy_smoothing_forgotten(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(hit=1.0, every=None)))


def cross_entropy_smoothing_skips_target(dloss: Any, cache: CrossEntropyCache) -> Any:
    """s / (V - 1) on the other classes instead of s / V on all."""
    share: Any = cache.q.every
    n_classes = cache.exps.shape[-1]
    wrong = share * n_classes / (n_classes - 1)
    return cross_entropy_backward(
        dloss, cache._replace(q=cache.q._replace(hit=cache.q.hit + share - wrong, every=wrong))
    )


def cross_entropy_keep_ignored(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(targets=cache.targets._replace(keep=None)))


def cross_entropy_prediction_unweighted(dloss: Any, cache: CrossEntropyCache) -> Any:
    """p - w q instead of p sum(w q) - w q."""
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(sum=1.0)))


def reduction_not_divided(dloss: Any, cache: ReductionCache) -> Any:
    return reduction_backward(dloss, cache._replace(divisor=1))


CASES: tuple[Case, ...] = (
    Case(cross_entropy_backward, "plain", cross_entropy),
    Case(cross_entropy_backward, "smoothing 0.1", partial(cross_entropy, smoothing=0.1)),
    Case(cross_entropy_backward, "six of ten tokens kept", partial(cross_entropy, kept=6)),
    Case(cross_entropy_backward, "smoothing and keep", partial(cross_entropy, smoothing=0.2, kept=6)),
    Case(cross_entropy_backward, "no token kept", partial(cross_entropy, kept=0)),
    Case(cross_entropy_backward, "logits 20 times larger", partial(cross_entropy, scale=20.0)),
    Case(cross_entropy_backward, "class weights", partial(cross_entropy, weighted=True)),
    Case(
        cross_entropy_backward,
        "class weights, smoothing, keep, summed",
        partial(cross_entropy, weighted=True, smoothing=0.3, kept=7, reduction="sum"),
    ),
    Case(cross_entropy_backward, "one loss a token", partial(cross_entropy, kept=6, smoothing=0.1, reduction="none")),
    Case(negative_log_likelihood_backward, "plain", negative_log_likelihood),
    Case(
        negative_log_likelihood_backward,
        "class weights and keep",
        partial(negative_log_likelihood, weighted=True, kept=6),
    ),
    Case(negative_log_likelihood_backward, "one loss a token", partial(negative_log_likelihood, reduction="none")),
    Case(soft_cross_entropy_backward, "plain", soft_cross_entropy),
    Case(
        soft_cross_entropy_backward,
        "class weights, smoothing and keep",
        partial(soft_cross_entropy, weighted=True, smoothing=0.3, kept=6),
    ),
    Case(soft_cross_entropy_backward, "one loss a token", partial(soft_cross_entropy, reduction="none")),
    Case(kl_divergence_backward, "probabilities", kl_divergence),
    Case(kl_divergence_backward, "log-probabilities", partial(kl_divergence, log_target=True)),
    Case(kl_divergence_backward, "mean", partial(kl_divergence, reduction="mean")),
    Case(kl_divergence_backward, "every term", partial(kl_divergence, log_target=True, reduction="none")),
    *(Case(reduction_backward, kind, partial(reduction, kind=kind)) for kind in ("mean", "sum", "none")),
)

CONTROLS: tuple[Control, ...] = (
    Control("cross_entropy", "the mean is not divided by n", cross_entropy_summed, cross_entropy),
    Control(
        "cross_entropy",
        "smoothing is forgotten",
        cross_entropy_smoothing_forgotten,
        partial(cross_entropy, smoothing=0.1),
    ),
    Control(
        "cross_entropy",
        "smoothing spreads over V - 1 classes",
        cross_entropy_smoothing_skips_target,
        partial(cross_entropy, smoothing=0.1),
    ),
    Control("cross_entropy", "keep is ignored", cross_entropy_keep_ignored, partial(cross_entropy, kept=6)),
    Control(
        "cross_entropy",
        "class weights are left out of the prediction",
        cross_entropy_prediction_unweighted,
        partial(cross_entropy, weighted=True),
    ),
    Control(
        "negative_log_likelihood",
        "the gradient of the logits is taken for that of the log-probabilities",
        negative_log_likelihood_everywhere,
        negative_log_likelihood,
    ),
    Control(
        "soft_cross_entropy",
        "the target is taken to sum to 1",
        soft_cross_entropy_target_sums_to_one,
        soft_cross_entropy,
    ),
    Control(
        "soft_cross_entropy",
        "smoothing is forgotten in the gradient of the target",
        soft_cross_entropy_target_unsmoothed,
        partial(soft_cross_entropy, smoothing=0.3),
    ),
    Control("kl_divergence", "p is counted once, but read twice", kl_divergence_without_the_one, kl_divergence),
    Control(
        "kl_divergence",
        "the gradient of p is given for that of log p",
        kl_divergence_log_target_taken_for_target,
        partial(kl_divergence, log_target=True),
    ),
    Control("reduction", "the mean is not divided", reduction_not_divided, partial(reduction, kind="mean")),
)

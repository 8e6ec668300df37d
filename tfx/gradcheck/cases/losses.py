"""Losses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.cross_entropy import CrossEntropyCache, cross_entropy_backward, cross_entropy_forward
from tfx.ops.reduction import ReductionCache, reduction_backward, reduction_forward


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


def cross_entropy_summed(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache) * cache.targets.count


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
    Control("reduction", "the mean is not divided", reduction_not_divided, partial(reduction, kind="mean")),
)

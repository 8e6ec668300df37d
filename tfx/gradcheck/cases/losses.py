"""Losses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.cross_entropy import CrossEntropyCache, cross_entropy_backward, cross_entropy_forward


def cross_entropy(rng: Rng, smoothing: float = 0.0, kept: int | None = None, scale: float = 1.0) -> Problem:
    """kept: how many of the B * T tokens count; all without a `keep` when None."""
    targets = rng.integers(0, V, (B, T))
    keep = None
    if kept is not None:
        keep = (rng.permutation(B * T) < kept).reshape(B, T)
        targets = np.where(keep, targets, -100)
    fixed = {"targets": targets, "smoothing": smoothing, "keep": keep}
    logits = scale * rng.standard_normal((B, T, V))
    return Problem(cross_entropy_forward, cross_entropy_backward, {"logits": logits}, fixed)


def cross_entropy_summed(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache) * cache.n_kept


def cross_entropy_smoothing_forgotten(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(smoothing=0.0))


def cross_entropy_smoothing_skips_target(dloss: Any, cache: CrossEntropyCache) -> Any:
    """s / (V - 1) on the other classes instead of s / V on all."""
    n_classes = cache.log_probs.shape[-1]
    return cross_entropy_backward(dloss, cache._replace(smoothing=cache.smoothing * n_classes / (n_classes - 1)))


def cross_entropy_keep_ignored(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(keep=None))


CASES: tuple[Case, ...] = (
    Case(cross_entropy_backward, "plain", cross_entropy),
    Case(cross_entropy_backward, "smoothing 0.1", partial(cross_entropy, smoothing=0.1)),
    Case(cross_entropy_backward, "six of ten tokens kept", partial(cross_entropy, kept=6)),
    Case(cross_entropy_backward, "smoothing and keep", partial(cross_entropy, smoothing=0.2, kept=6)),
    Case(cross_entropy_backward, "no token kept", partial(cross_entropy, kept=0)),
    Case(cross_entropy_backward, "logits 20 times larger", partial(cross_entropy, scale=20.0)),
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
)

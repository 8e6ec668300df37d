"""Cases of tfx/ops/losses/cross_entropy.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.reduction import reduction_backward, reduction_forward


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
)

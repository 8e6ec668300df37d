"""Targets: which class each token should be, which tokens count, and how much.

    token n costs  w[target_n] * (its loss),  0 where it is not kept;  a mean divides by the sum of the kept w

Without class weights w is 1, and the mean is over the kept tokens.  Dividing by the weights and not by the number of
tokens makes only the ratios of the weights matter: it is the convention of PyTorch and ONNX.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.ops.basics.embedding import check_ids


class Targets(NamedTuple):
    ids: Array  # (...,) int64; 0 where not kept
    weights: Array | float  # (...,) the weight of each token's class, or 1
    class_weights: Array | None  # (V,) in the dtype of the scores
    keep: Array | None
    n_counted: Array | int  # what a mean divides by


def checked_targets(scores: Array, targets: Array, keep: Array | None, class_weights: Array | None) -> Targets:
    """scores: (..., V), targets: (...,) integers, keep: (...,) bool or None, class_weights: (V,) or None.

    A target that is not kept may be any number.
    Raises ValueError for a kept target outside 0 .. V - 1 and for shapes that differ, TypeError for targets that are
    not integers or a keep that is not boolean.  For targets that are already on a graphics card an exception would
    make the card wait, so there such a target has weight NaN instead.
    """
    if targets.shape != scores.shape[:-1]:
        raise ValueError(f"targets are {targets.shape} but logits ask for {scores.shape[:-1]}")
    xp, n_classes = xp_of(scores), scores.shape[-1]
    if class_weights is not None and class_weights.shape != (n_classes,):
        raise ValueError(f"class weights are {class_weights.shape} but there are {n_classes} classes")
    if class_weights is not None:
        class_weights = class_weights.astype(scores.dtype)
    if keep is not None:
        check_keep(keep, targets.shape)
        targets = xp_of(targets).where(keep, targets, 0)
        keep = xp.asarray(keep)
    check_ids(targets, n_classes, "target")
    already_there, targets = not on_host(targets), xp.asarray(targets).astype("int64")
    known = (targets >= 0) & (targets < n_classes) if already_there else None
    ids = targets if known is None else xp.where(known, targets, 0)
    weights: Array | float = 1.0 if class_weights is None else class_weights[ids]
    count: Array | int = targets.size
    if class_weights is not None:
        count = weights.sum() if keep is None else xp.where(keep, weights, 0).sum()  # type: ignore[union-attr]
    elif keep is not None:
        count = keep.sum()
    if known is not None:
        weights = xp.where(known, weights, math.nan).astype(scores.dtype)
    return Targets(ids, weights, class_weights, keep, count)


def check_keep(keep: Array, shape: tuple[int, ...]) -> None:
    """Raises TypeError unless keep is boolean and has one entry for each token."""
    if keep.dtype != bool or keep.shape != shape:
        raise TypeError(f"keep must be boolean {shape}, not {keep.dtype} {keep.shape}")


def kept_scores(scores: Array, keep: Array | None) -> Array:
    """scores: (..., V) with 0 for every token that is not kept, whatever stood there: its gradient is then 0 too.

    Raises TypeError unless keep is boolean and has one entry for each token.
    """
    if keep is None:
        return scores
    check_keep(keep, scores.shape[:-1])
    xp = xp_of(scores)
    return xp.where(xp.asarray(keep)[..., None], scores, 0).astype(scores.dtype, copy=False)


def keep_except(targets: Array, ignored: int) -> Array:
    """The other convention, a number that stands for "no target" (-100 in PyTorch) -> keep: True = counts."""
    return targets != ignored


def at_targets(scores: Array, ids: Array) -> Array:
    """scores: (..., V), ids: (...,) -> (...,), the score of each target."""
    return xp_of(scores).take_along_axis(scores, ids[..., None], axis=-1)[..., 0]


def subtract_at_targets(grad: Array, ids: Array, values: Array) -> None:
    """grad: (..., V), an array of one's own: grad[..., id] -= value, in place.  No entry is hit twice."""
    xp, last = xp_of(grad), ids.ndim - 1
    rows = (xp.arange(n).reshape(-1, *(1,) * (last - i)) for i, n in enumerate(ids.shape))
    grad[(*rows, ids)] -= values

"""Cross-entropy of a softmax, with label smoothing, averaged over the tokens that count.

    log p_v = x_v - log sum_k exp(x_k)                       log-softmax of the logits x
    q_v     = (1 - s) [v = target] + s / V                   the target, smoothed by s over all V classes
    loss    = mean over kept tokens of  - sum_v q_v log p_v

Derivation.  For one token, d(log p_v)/dx_j = delta_vj - p_j, and q sums to 1, so

    dloss/dx_j = - sum_v q_v (delta_vj - p_j) = p_j - q_j          prediction minus target; the mean divides by n

log p is never taken of a rounded p: the maximum is subtracted and the logarithm applied to the sum alone, so a logit
of -1e30 costs 1e30 nats and not log(0).
Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7; Vaswani et al. 2017, section 5.4
(s = 0.1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.ops.embedding import check_ids


class CrossEntropyCache(NamedTuple):
    log_probs: Array
    targets: Array
    smoothing: float
    keep: Array | None
    n_kept: Array | int  # at least 1
    token_losses: Array  # 0 where not kept


def cross_entropy_forward(
    logits: Array, targets: Array, smoothing: float = 0.0, keep: Array | None = None
) -> tuple[Array, CrossEntropyCache]:
    """logits: (..., V), targets: (...,) integers, keep: (...,) bool or None -> loss: scalar in logits' dtype, cache.

    keep: True = this token counts; with no token kept the loss is 0.  A target that is not kept may be any number.
    A logit of -inf is a class that cannot happen: the loss is inf if it is the target or if s > 0.  NaN stays NaN.
    Raises ValueError for a kept target outside 0 .. V - 1, for shapes that differ and for s outside [0, 1), TypeError
    for targets that are not integers or a keep that is not boolean.  For targets that are already on a graphics card
    such a target gives NaN instead, because an exception would make the card wait.
    """
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets are {targets.shape} but logits ask for {logits.shape[:-1]}")
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"label smoothing must be at least 0 and below 1, not {smoothing}")
    xp = xp_of(logits)
    n_kept: Array | int = max(targets.size, 1)
    if keep is not None:
        if keep.dtype != bool or keep.shape != targets.shape:
            raise TypeError(f"keep must be boolean {targets.shape}, not {keep.dtype} {keep.shape}")
        targets = xp_of(targets).where(keep, targets, 0)
        keep = xp.asarray(keep)
        n_kept = xp.maximum(keep.sum(), 1).astype(logits.dtype)
    check_ids(targets, logits.shape[-1], "target")
    targets = xp.asarray(targets).astype("int64")
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probs = shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
    losses = -_at(log_probs, targets)
    if smoothing:
        losses = (1.0 - smoothing) * losses - smoothing * log_probs.mean(axis=-1)
    if keep is not None:
        losses = xp.where(keep, losses, 0).astype(logits.dtype)
    return losses.sum() / n_kept, CrossEntropyCache(log_probs, targets, smoothing, keep, n_kept, losses)


def cross_entropy_backward(dloss: Array | float, cache: CrossEntropyCache) -> Array:
    """dloss: scalar, usually 1 -> dlogits: (..., V), 0 where not kept."""
    log_probs, targets, smoothing, keep, n_kept, _ = cache
    xp = xp_of(log_probs)
    n_classes = log_probs.shape[-1]
    is_target = xp.arange(n_classes) == targets[..., None]  # (..., V)
    smoothed = (1.0 - smoothing) * is_target.astype(log_probs.dtype) + smoothing / n_classes
    dlogits = (xp.exp(log_probs) - smoothed) * (dloss / n_kept)  # loss = -sum(smoothed * log_probs), then the mean
    if keep is not None:
        dlogits = xp.where(keep[..., None], dlogits, 0)
    return dlogits.astype(log_probs.dtype)


def _at(log_probs: Array, targets: Array) -> Array:
    """log_probs: (..., V), targets: (...,) -> log_probs[..., target]; NaN for a target that does not exist."""
    xp = xp_of(log_probs)
    if on_host(targets):
        return xp.take_along_axis(log_probs, targets[..., None], axis=-1)[..., 0]
    n_classes = log_probs.shape[-1]
    known = (targets >= 0) & (targets < n_classes)
    picked = xp.take_along_axis(log_probs, xp.where(known, targets, 0)[..., None], axis=-1)[..., 0]
    return xp.where(known, picked, math.nan).astype(log_probs.dtype)

"""From one loss for each token to one number: "mean" over what counts, "sum", or "none".

    mean:  loss = sum of losses / count            sum:  loss = sum of losses            none:  the losses as they are

A token that is not kept has loss 0 and is not counted.

Derivation.  count does not depend on the losses, so every token gets dloss / count, dloss, or its own dloss, and one
that is not kept gets 0.  The mean makes the step size independent of how long the batch is, but then a token in a short
batch pulls harder than one in a long batch; where micro-batches add up to one batch, sum first and divide once.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.losses.targets import check_keep

REDUCTIONS = ("mean", "sum", "none")


class ReductionCache(NamedTuple):
    divisor: Array | int | None  # None where nothing was summed
    losses: Array  # 0 where not kept
    keep: Array | None = None


@in_float32
def reduction_forward(
    losses: Array, reduction: str = "mean", count: Array | int | None = None, keep: Array | None = None
) -> tuple[Array, ReductionCache]:
    """losses: any shape -> loss: a scalar in its dtype, or the losses themselves for "none"; cache.

    keep: the shape of the losses, bool, True = this token counts.  count: what a mean divides by, all losses that are
    kept unless told.  Where it is 0 nothing counts, and the mean is 0 (PyTorch and ONNX say NaN): one batch of nothing
    but padding must not end a training run.
    Raises ValueError for an unknown reduction, TypeError for a keep that is not boolean or has another shape.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, not {reduction!r}")
    if keep is not None:
        check_keep(keep, losses.shape)
        keep = xp_of(losses).asarray(keep)
        losses = xp_of(losses).where(keep, losses, 0)
        count = keep.sum() if count is None else count
    if reduction == "none":
        return losses, ReductionCache(None, losses, keep)
    divisor: Array | int = 1
    if reduction == "mean":
        count = losses.size if count is None else count
        divisor = max(count, 1) if isinstance(count, int) else _nonzero(count).astype(losses.dtype)
    return losses.sum() / divisor, ReductionCache(divisor, losses, keep)


@in_float32
def reduction_backward(dloss: Array | float, cache: ReductionCache) -> Array:
    """dloss: a scalar, or for "none" the shape of the losses -> dlosses: the shape of the losses."""
    divisor, losses, keep = cache
    xp = xp_of(losses)
    dlosses = dloss if divisor is None else dloss / divisor  # loss = losses.sum() / divisor
    dlosses = xp.broadcast_to(xp.asarray(dlosses, dtype=losses.dtype), losses.shape)
    return dlosses if keep is None else xp.where(keep, dlosses, 0)  # losses = where(keep, losses, 0)


def _nonzero(count: Array) -> Array:
    return xp_of(count).where(count == 0, 1, count)

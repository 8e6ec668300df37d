"""From one loss for each token to one number: "mean" over what counts, "sum", or "none".

    mean:  loss = sum of losses / count            sum:  loss = sum of losses            none:  the losses as they are

Derivation.  count does not depend on the losses, so every token gets dloss / count, dloss, or its own dloss.  The mean
makes the step size independent of how long the batch is, but then a token in a short batch pulls harder than one in a
long batch; where micro-batches add up to one batch, sum first and divide once.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of

REDUCTIONS = ("mean", "sum", "none")


class ReductionCache(NamedTuple):
    divisor: Array | int | None  # None where nothing was summed
    losses: Array


def reduction_forward(
    losses: Array, reduction: str = "mean", count: Array | int | None = None
) -> tuple[Array, ReductionCache]:
    """losses: any shape -> loss: a scalar in its dtype, or the losses themselves for "none"; cache.

    count: what a mean divides by, all losses unless told.  Where it is 0 nothing counts, and the mean is 0 (PyTorch and
    ONNX say NaN): one batch of nothing but padding must not end a training run.
    Raises ValueError for an unknown reduction.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, not {reduction!r}")
    if reduction == "none":
        return losses, ReductionCache(None, losses)
    divisor: Array | int = 1
    if reduction == "mean":
        count = losses.size if count is None else count
        divisor = max(count, 1) if isinstance(count, int) else _nonzero(count).astype(losses.dtype)
    return losses.sum() / divisor, ReductionCache(divisor, losses)


def reduction_backward(dloss: Array | float, cache: ReductionCache) -> Array:
    """dloss: a scalar, or for "none" the shape of the losses -> dlosses: the shape of the losses."""
    divisor, losses = cache
    xp = xp_of(losses)
    dlosses = dloss if divisor is None else dloss / divisor  # loss = losses.sum() / divisor
    return xp.broadcast_to(xp.asarray(dlosses, dtype=losses.dtype), losses.shape)


def _nonzero(count: Array) -> Array:
    return xp_of(count).where(count == 0, 1, count)

"""Pointing loss: the attention weights themselves are the answer.

    q[b, j] = (1 - s) [j = target_b] + s / n_b                    the target, smoothed by s over the n_b keys there are
    L = mean over b and h of  - sum_j q[b, j] log P[b, h, row_b, j]

Derivation.  Only one row of each head enters, so with B examples and H heads

    dP[b, h, row_b, j] = - q[b, j] / (B H P[b, h, row_b, j])      and 0 elsewhere

Through the softmax this becomes the familiar (P - q) / (B H) on the scores of that row, as for any cross-entropy.
Sources: Vinyals, Fortunato and Jaitly 2015, "Pointer Networks", section 2.3: attention used as a pointer; smoothing as
in Szegedy et al. 2016, section 7.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask

#: Weights below this count as this, so that a weight that rounds to zero gives a large loss and not an infinite one.
_FLOOR = 1e-30


class PointingCache(NamedTuple):
    weights: Array
    read: Array  # the rows that the loss reads: (B, H, S)
    q: Array  # smoothed targets: (B, 1, S)
    rows: Array


@in_float32
def pointing_forward(
    weights: Array, rows: Array, targets: Array, smoothing: float = 0.0, keep: Mask = None
) -> tuple[Array, PointingCache]:
    """weights: (B, H, T, S), rows of a softmax; rows, targets: (B,) integer -> mean loss, 0-d in weights' dtype.

    keep: (B, S) boolean, the keys that exist (not padding), or None for all; smoothing spreads over these.
    Raises ValueError when there is not one row and one target for each example, or smoothing is outside [0, 1).
    """
    if weights.ndim != 4 or rows.shape != weights.shape[:1] or targets.shape != weights.shape[:1]:
        raise ValueError(f"weights {weights.shape} need one row and one target per example, not {rows.shape}")
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"label smoothing must be at least 0 and below 1, not {smoothing}")
    xp = xp_of(weights)
    examples, n_keys = xp.arange(len(weights)), weights.shape[-1]
    q = (1.0 - smoothing) * (xp.arange(n_keys) == targets[:, None])  # (B, S)
    if smoothing:
        there = xp.ones(q.shape, dtype=bool) if keep is None else keep
        q = q + smoothing * there / there.sum(axis=-1, keepdims=True)
    q = q.astype(weights.dtype)[:, None]
    read = xp.maximum(weights[examples, :, rows], _FLOOR)  # (B, H, S)
    loss = -(q * xp.log(read)).sum(axis=-1).mean()
    return loss, PointingCache(weights, read, q, rows)


@in_float32
def pointing_backward(dloss: Array | float, cache: PointingCache) -> Array:
    """dloss: a number -> dweights: (B, H, T, S), the gradient that attention_backward takes in as `dweights`."""
    weights, read, q, rows = cache
    xp = xp_of(weights)
    dweights = xp.zeros_like(weights)
    n = weights.shape[0] * weights.shape[1]
    dweights[xp.arange(len(weights)), :, rows] = -dloss * q / (n * read)  # loss = mean(-sum(q log(read)))
    return dweights

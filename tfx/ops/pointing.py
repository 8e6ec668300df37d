"""Pointing loss: the attention weights themselves are the answer.

    L = mean over b of  -log P[b, row_b, target_b]

Derivation.  Only one weight of each example enters, so with B examples

    dP[b, row_b, target_b] = -1 / (B P[b, row_b, target_b])        and 0 elsewhere

Through the softmax this becomes the familiar (P - onehot) / B on the scores of that row, as for any cross-entropy.
Source: Vinyals, Fortunato and Jaitly 2015, "Pointer Networks", section 2.3: attention used as a pointer.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of

#: Weights below this count as this, so that a weight that rounds to zero gives a large loss and not an infinite one.
_FLOOR = 1e-30


class PointingCache(NamedTuple):
    weights: Array
    picked: Array
    rows: Array
    targets: Array


def pointing_forward(weights: Array, rows: Array, targets: Array) -> tuple[Array, PointingCache]:
    """weights: (B, T, S), rows of a softmax; rows, targets: (B,) integer -> mean loss, a 0-d array in weights' dtype.

    Raises ValueError when there is not one row and one target for each example.
    """
    if weights.ndim != 3 or rows.shape != weights.shape[:1] or targets.shape != weights.shape[:1]:
        raise ValueError(f"weights {weights.shape} need one row and one target per example, not {rows.shape}")
    xp = xp_of(weights)
    picked = xp.maximum(weights[xp.arange(len(weights)), rows, targets], _FLOOR)  # (B,)
    return -xp.log(picked).mean(), PointingCache(weights, picked, rows, targets)


def pointing_backward(dloss: Array | float, cache: PointingCache) -> Array:
    """dloss: a number -> dweights: (B, T, S), the gradient that attention_backward takes in as `dweights`."""
    weights, picked, rows, targets = cache
    xp = xp_of(weights)
    dweights = xp.zeros_like(weights)
    dweights[xp.arange(len(weights)), rows, targets] = -dloss / (len(weights) * picked)  # loss = mean(-log picked)
    return dweights

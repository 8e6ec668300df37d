"""Undoing a broadcast: what was used several times gets the sum of the gradients of its uses.

    y = x stretched along some axes            dx = dy summed over those axes, back to the shape of x

NumPy stretches an axis of length 1, and adds axes in front, without being asked: a bias for every row, one mask for all
heads, keys shared by a batch.

Derivation.  y[i, j] = x[j] for every i, so dx[j] = sum_i dy[i, j]: one term for each use.
"""

from __future__ import annotations

from tfx.backend import Array


def fold(grad: Array, like: Array) -> Array:
    """grad: the shape that `like` was stretched to -> its sum over the stretched axes, in the shape of `like`."""
    extra = grad.ndim - like.ndim
    if extra:
        grad = grad.sum(axis=tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(like.shape) if n == 1 and grad.shape[i] != 1)
    return grad.sum(axis=stretched, keepdims=True) if stretched else grad

"""Group normalisation: the channels of one example are cut into groups, and each group is normalised as a whole.

    x: (B, C, ...)  ->  G groups of C / G channels with all their places  ->  mean 0 and variance 1 in each
    y = gamma * xhat + beta                  one gain and one offset for each channel

One group is LayerNorm over everything but the batch; C groups are InstanceNorm.  Unlike BatchNorm no example sees
another, so nothing depends on the size of the batch.

Derivation.  The rows of a reshaped x are normalised exactly as ops/norms/layer_norm.py does, without gain and offset;
these act on channels and not on the axis of the statistics, so they are undone here:

    dgamma = sum over batch and places of dy * xhat      dbeta = sum over batch and places of dy      dxhat = dy * gamma

Source: Wu and He 2018, "Group Normalization", equations 1 to 7.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward, layer_norm_forward


class GroupNormCache(NamedTuple):
    rows: LayerNormCache  # of (B, G, C / G * places)
    gamma: Array | None
    has_beta: bool


@in_float32
def group_norm_forward(
    x: Array, n_groups: int, gamma: Array | None = None, beta: Array | None = None, eps: float = 1e-5
) -> tuple[Array, GroupNormCache]:
    """x: (B, C, ...), gamma: (C,) or None, beta: (C,) or None -> y: shape and dtype of x, cache.

    Raises ValueError when the groups do not divide the channels or a parameter does not fit them.
    """
    if x.ndim < 2 or n_groups < 1 or x.shape[1] % n_groups:
        raise ValueError(f"x is {x.shape}: its second axis cannot be cut into {n_groups} equal groups")
    for name, parameter in (("gamma", gamma), ("beta", beta)):
        if parameter is not None and parameter.shape != x.shape[1:2]:
            raise ValueError(f"x has {x.shape[1]} channels but {name} is {parameter.shape}")
    xhat, rows = layer_norm_forward(x.reshape(x.shape[0], n_groups, math.prod(x.shape[1:]) // n_groups), eps=eps)
    y = xhat.reshape(x.shape)
    y = y if gamma is None else y * _per_channel(gamma, x.ndim)
    y = y if beta is None else y + _per_channel(beta, x.ndim)
    return y, GroupNormCache(rows, gamma, beta is not None)


@in_float32
def group_norm_backward(dy: Array, cache: GroupNormCache) -> tuple[Array, Array | None, Array | None]:
    """dy: (B, C, ...) -> dx: (B, C, ...), dgamma: (C,), dbeta: (C,); None for what was None in forward."""
    rows, gamma, has_beta = cache
    batch_and_places = (0, *range(2, dy.ndim))
    dbeta = dy.sum(axis=batch_and_places) if has_beta else None  # y = ... + beta, at every place
    dxhat, dgamma = dy, None
    if gamma is not None:
        dxhat = dy * _per_channel(gamma, dy.ndim)
        dgamma = (dy * rows.xhat.reshape(dy.shape)).sum(axis=batch_and_places)  # y = xhat * gamma + ...
    dx, _, _ = layer_norm_backward(dxhat.reshape(rows.xhat.shape), rows)  # xhat = layer_norm(rows of x)
    return dx.reshape(dy.shape), dgamma, dbeta


def _per_channel(parameter: Array, ndim: int) -> Array:
    return parameter.reshape(-1, *(1,) * (ndim - 2))

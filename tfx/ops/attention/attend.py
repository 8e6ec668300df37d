"""Attending: from scores to weights to an average of the values.  Every kind of attention ends this way.

    P = softmax(scores)     weights, row by row, with blocked entries set to -inf first
    O = P V                 output                   (T, S) x (S, Dv) -> (T, Dv)

What differs from one attention to the next is where the scores come from: ops/attention/scaled_dot_product.py takes
dot products, ops/attention/additive_attention.py a small network.

Derivation.  dV, dP and dscores are the first three lines of the derivation in ops/attention/scaled_dot_product.py:
none of them asks where the scores came from.  A blocked entry has P = 0 and so dscores = 0: no gradient passes a mask.
Where a loss reads P as well, its gradient is added to dP: two uses, two terms.
Source: Bahdanau, Cho and Bengio 2015, section 3.1, equations 5 and 6; Vaswani et al. 2017, section 3.2.1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward
from tfx.ops.basics.weighted_sum import all_finite, weighted_sum, where_read


class AttendCache(NamedTuple):
    softmax: SoftmaxCache
    v: Array
    dropout: Array | None

    @property
    def weights(self) -> Array:
        """P: (..., T, S), before dropout."""
        return self.softmax.y


class AttendGrads(NamedTuple):
    """Every gradient on the way back, in the order in which it is found."""

    dv: Array
    dp: Array
    dscores: Array


@in_float32
def attend_forward(
    scores: Array, v: Array, mask: Mask = None, dropout: Array | None = None, overwrite: bool = False
) -> tuple[Array, AttendCache]:
    """scores: (..., T, S), v: (..., S, Dv) -> out: (..., T, Dv).

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    dropout: a ready multiplier for the weights, (..., T, S), see ops/basics/dropout.py.
    overwrite: the weights take the place of the scores, for a caller who made them and needs them no more.
    Raises ValueError when lengths do not match, TypeError when the mask is not boolean.
    """
    check_attend_shapes(scores.shape[-2], scores.shape[-1], v, mask)
    if mask is not None:
        xp = xp_of(scores)
        if overwrite and np.broadcast_shapes(scores.shape, mask.shape) == scores.shape:
            xp.copyto(scores, -math.inf, where=~mask)  # (..., T, S), in place
        else:
            scores = xp.where(mask, scores, -math.inf).astype(scores.dtype, copy=False)  # (..., T, S) -> (..., T, S)
    weights, softmax_cache = softmax_forward(scores, overwrite=overwrite or mask is not None)  # -> (..., T, S)
    dropped = weights if dropout is None else weights * dropout  # (..., T, S), (..., T, S) -> (..., T, S)
    out = weighted_sum(dropped, v)  # dropped @ v: (..., T, S), (..., S, Dv) -> (..., T, Dv)
    return out, AttendCache(softmax_cache, v, dropout)


@in_float32
def attend_backward(dout: Array, cache: AttendCache, dweights: Array | None = None) -> tuple[Array, Array]:
    """dout: (..., T, Dv) -> dscores: (..., T, S), dv: the shape of v.

    dweights: (..., T, S), a second gradient that enters at P itself, where a loss reads the weights
    (ops/attention/pointing.py).
    """
    grads = attend_backward_steps(dout, cache, dweights)
    return grads.dscores, grads.dv


@in_float32
def attend_backward_steps(dout: Array, cache: AttendCache, dweights: Array | None = None) -> AttendGrads:
    """The same backward with dP kept, for readers and for lessons."""
    softmax_cache, v, dropout = cache
    weights = softmax_cache.y
    dropped = weights if dropout is None else weights * dropout  # (..., T, S), once more
    # out = dropped @ v: (..., S, T), (..., T, Dv) -> (..., S, Dv)
    dv = weighted_sum(dropped.swapaxes(-1, -2), dout)  # (..., S, T), (..., T, Dv) -> (..., S, Dv)
    if on_host(dv) and not all_finite(dv):
        weights = without_unread_rows(weights, dout, dweights)  # (..., T, S) -> (..., T, S)
        softmax_cache = softmax_cache._replace(y=weights)
        dropped = weights if dropout is None else weights * dropout  # (..., T, S)
        dv = weighted_sum(dropped.swapaxes(-1, -2), dout)  # (..., S, T), (..., T, Dv) -> (..., S, Dv)
    dp = dout @ v.swapaxes(-1, -2)  # out = dropped @ v: (..., T, Dv), (..., Dv, S) -> (..., T, S)
    if dropout is not None:
        dp = dp * dropout  # dropped = weights * dropout: (..., T, S) -> (..., T, S)
    if dweights is not None:
        dp = dp + dweights  # the weights were used twice, for the output and by a loss: (..., T, S) -> (..., T, S)
    # |dp| <= |dout| |v|: where both are finite there is nothing to look for among T x S numbers
    if dweights is not None or not (on_host(dp) and all_finite(v) and all_finite(dout)):
        dp = where_read(dp, weights)  # (..., T, S) -> (..., T, S)
    # weights = softmax(scores); zero where blocked, because the weights are
    dscores = softmax_backward(dp, softmax_cache)  # (..., T, S) -> (..., T, S)
    return AttendGrads(fold(dv, v), dp, dscores)


def without_unread_rows(weights: Array, dout: Array, dweights: Array | None) -> Array:
    """The weights: (..., T, S), and 0 for those that are no numbers in a row that nobody reads, whose gradient is 0: a
    query of filling, such as NaN, passes nothing back to the keys and values."""
    unread = (dout == 0).all(axis=-1, keepdims=True)  # (..., T, 1)
    if dweights is not None:
        unread = unread & (dweights == 0).all(axis=-1, keepdims=True)
    return np.where(unread & ~np.isfinite(weights), 0, weights).astype(weights.dtype, copy=False)


def check_attend_shapes(n_queries: int, n_keys: int, v: Array, mask: Mask) -> None:
    """Raises ValueError or TypeError that names the two things that do not fit."""
    if n_keys != v.shape[-2]:
        raise ValueError(f"there are {n_keys} keys but {v.shape[-2]} values")
    if mask is None:
        return
    if mask.dtype != bool:
        raise TypeError(f"mask must be boolean (True = may attend), not {mask.dtype}")
    if mask.ndim and mask.shape[-1] not in (1, n_keys):
        raise ValueError(f"mask covers {mask.shape[-1]} keys but there are {n_keys}")
    if mask.ndim > 1 and mask.shape[-2] not in (1, n_queries):
        rows = " (one row for each sequence of a batch is mask[:, None, None])" if mask.ndim == 2 else ""
        raise ValueError(f"mask covers {mask.shape[-2]} queries but there are {n_queries}{rows}")

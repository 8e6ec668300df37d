"""Scaled dot-product attention.

    S = Q K^T * scale       scores                   (T, D) x (D, S) -> (T, S)
    P = softmax(S)          weights, row by row, with blocked entries set to -inf first
    O = P V                 output                   (T, S) x (S, D) -> (T, D)

Derivation.  Undo the three lines in reverse; dO is what arrives from above:

    dV = P^T dO             O = P V is linear in V
    dP = dO V^T             ... and linear in P
    dS = P * (dP - rowsum(dP * P))        the softmax Jacobian applied to each row (see ops/softmax.py)
    dQ = dS K * scale       S = Q K^T * scale
    dK = dS^T Q * scale

A blocked entry has P = 0 and so dS = 0: no gradient passes a mask.  Where a loss reads P as well, its gradient is
added to dP: two uses, two terms.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1, equation 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.ops.softmax import SoftmaxCache, softmax_backward, softmax_forward


class AttentionCache(NamedTuple):
    q: Array
    k: Array
    v: Array
    scale: float
    softmax: SoftmaxCache
    dropout: Array | None

    @property
    def weights(self) -> Array:
        """P: (..., T, S), before dropout."""
        return self.softmax.y


class AttentionGrads(NamedTuple):
    """Every gradient on the way back, in the order in which it is found."""

    dv: Array
    dp: Array
    ds: Array
    dq: Array
    dk: Array


def attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    scale: float | None = None,
    dropout: Array | None = None,
) -> tuple[Array, AttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    scale: 1 / sqrt(D) unless told.  dropout: a ready multiplier for the weights, (..., T, S), see ops/dropout.py.
    Raises ValueError when widths or lengths do not match, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    xp = xp_of(q)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    scores = (q @ k.swapaxes(-1, -2)) * scale  # (..., T, D), (..., D, S) -> (..., T, S)
    if mask is not None:
        scores = xp.where(mask, scores, -math.inf).astype(q.dtype)
    weights, softmax_cache = softmax_forward(scores)
    dropped = weights if dropout is None else weights * dropout
    out = dropped @ v  # (..., T, S), (..., S, Dv) -> (..., T, Dv)
    return out, AttentionCache(q, k, v, scale, softmax_cache, dropout)


def attention_backward(dout: Array, cache: AttentionCache, dweights: Array | None = None) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v.

    dweights: (..., T, S), a second gradient that enters at P itself, where a loss reads the weights (ops/pointing.py).
    """
    grads = attention_backward_steps(dout, cache, dweights)
    return grads.dq, grads.dk, grads.dv


def attention_backward_steps(dout: Array, cache: AttentionCache, dweights: Array | None = None) -> AttentionGrads:
    """The same backward with its intermediate gradients dP and dS kept, for readers and for lessons."""
    q, k, v, scale, softmax_cache, dropout = cache
    weights = softmax_cache.y
    dropped = weights if dropout is None else weights * dropout
    dv = dropped.swapaxes(-1, -2) @ dout  # out = dropped @ v
    dp = dout @ v.swapaxes(-1, -2)
    if dropout is not None:
        dp = dp * dropout  # dropped = weights * dropout
    if dweights is not None:
        dp = dp + dweights  # the weights were used twice: for the output and by a loss of their own
    ds = softmax_backward(dp, softmax_cache)  # weights = softmax(scores); zero where blocked, because weights are
    dq = (ds @ k) * scale  # scores = q @ k^T * scale
    dk = (ds.swapaxes(-1, -2) @ q) * scale
    return AttentionGrads(_fold(dv, v), dp, ds, _fold(dq, q), _fold(dk, k))


def check_attention_shapes(q: Array, k: Array, v: Array, mask: Array | None) -> None:
    """Raises ValueError or TypeError that names the two things that do not fit."""
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"keys have width {k.shape[-1]} but queries have {q.shape[-1]}")
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"there are {k.shape[-2]} keys but {v.shape[-2]} values")
    if mask is None:
        return
    if mask.dtype != bool:
        raise TypeError(f"mask must be boolean (True = may attend), not {mask.dtype}")
    if mask.ndim and mask.shape[-1] not in (1, k.shape[-2]):
        raise ValueError(f"mask covers {mask.shape[-1]} keys but there are {k.shape[-2]}")
    if mask.ndim > 1 and mask.shape[-2] not in (1, q.shape[-2]):
        raise ValueError(f"mask covers {mask.shape[-2]} queries but there are {q.shape[-2]}")


def _fold(grad: Array, like: Array) -> Array:
    """Sums a gradient over the leading axes along which `like` was broadcast."""
    extra = grad.ndim - like.ndim
    if extra:
        grad = grad.sum(axis=tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(like.shape) if n == 1 and grad.shape[i] != 1)
    return grad.sum(axis=stretched, keepdims=True) if stretched else grad

"""Scaled dot-product attention.

    scores = Q K^T * scale                           (T, D) x (D, S) -> (T, S)
    P = softmax(scores)     weights, row by row, with blocked entries set to -inf first
    O = P V                 output                   (T, S) x (S, Dv) -> (T, Dv)

The last two lines, with dV, dP and dscores, are in ops/attention/attend.py: every attention ends with them.
Without the options it is a few lines, forward and backward: `short_attention` in ops/basics/short_forms.py.

Two options act on the scores.  A soft cap squeezes them (ops/attention/soft_cap.py); a bias, such as one for the
distance between query and key, is added to them, so that its gradient is dscores itself, summed over the axes along
which it was broadcast.

Derivation.  Undo the three lines in reverse; dO is what arrives from above:

    dV = P^T dO             O = P V is linear in V
    dP = dO V^T             ... and linear in P
    dscores = P * (dP - rowsum(dP * P))   the softmax Jacobian applied to each row (see ops/basics/softmax.py)
    dQ = dscores K * scale                scores = Q K^T * scale
    dK = dscores^T Q * scale

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1, equation 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.attention.attend import AttendCache, attend_backward_steps, attend_forward, check_attend_shapes
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.soft_cap import SoftCapCache, soft_cap_backward, soft_cap_forward
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.weighted_sum import weighted_sum, where_read


class AttentionCache(NamedTuple):
    q: Array
    k: Array
    scale: float
    soft_cap: SoftCapCache | None
    bias: Array | None
    attend: AttendCache

    @property
    def v(self) -> Array:
        """V: (..., S, Dv)."""
        return self.attend.v

    @property
    def weights(self) -> Array:
        """P: (..., T, S), before dropout."""
        return self.attend.weights


class AttentionGrads(NamedTuple):
    """Every gradient on the way back, in the order in which it is found."""

    dv: Array
    dp: Array
    dbias: Array | None
    ds: Array
    dq: Array
    dk: Array


@in_float32
def attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    dropout: Array | None = None,
    bias: Array | None = None,
    soft_cap: float | None = None,
) -> tuple[Array, AttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    scale: 1 / sqrt(D) unless told.  dropout: a ready multiplier for the weights, (..., T, S), see
    ops/basics/dropout.py. bias: broadcastable to (..., T, S), added to the scores after the cap.  soft_cap: a bound for
    the scores. Raises ValueError when widths or lengths do not match, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    scores, soft_cap_cache = attention_scores(q, k, scale, bias, soft_cap)  # (..., T, D), (..., S, D) -> (..., T, S)
    # nobody else has these scores, so the weights may take their place: (..., T, S), (..., S, Dv) -> (..., T, Dv)
    out, attend_cache = attend_forward(scores, v, mask, dropout, overwrite=True)
    return out, AttentionCache(q, k, scale, soft_cap_cache, bias, attend_cache)


def attention_scores(
    q: Array, k: Array, scale: float, bias: Array | None = None, soft_cap: float | None = None
) -> tuple[Array, SoftCapCache | None]:
    """q: (..., T, D), k: (..., S, D) -> S: (..., T, S), as the softmax reads it but for the mask."""
    scores = (q * scale) @ k.swapaxes(-1, -2)  # (..., T, D), (..., D, S) -> (..., T, S)
    soft_cap_cache = None
    if soft_cap is not None:
        scores, soft_cap_cache = soft_cap_forward(scores, soft_cap)  # (..., T, S) -> (..., T, S)
    if bias is not None:
        scores = scores + bias  # (..., T, S) -> (..., T, S)
    return scores, soft_cap_cache


@in_float32
def attention_backward(dout: Array, cache: AttentionCache, dweights: Array | None = None) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v.  The gradient of a bias: `attention_backward_steps`.

    dweights: (..., T, S), a second gradient that enters at P itself, where a loss reads the weights
    (ops/attention/pointing.py).
    """
    grads = attention_backward_steps(dout, cache, dweights)
    return grads.dq, grads.dk, grads.dv


@in_float32
def attention_backward_steps(dout: Array, cache: AttentionCache, dweights: Array | None = None) -> AttentionGrads:
    """The same backward with its intermediate gradients dP and dscores kept, and with the gradient of the bias."""
    q, k, scale, soft_cap_cache, bias, attend_cache = cache
    dv, dp, ds = attend_backward_steps(dout, attend_cache, dweights)  # out = softmax(scores) @ v: -> (..., S, Dv)
    dbias = None if bias is None else fold(ds, bias)  # scores = scores + bias: (..., T, S), summed to the bias's shape
    if soft_cap_cache is not None:
        # scores = soft_cap(scores): (..., T, S) -> (..., T, S)
        ds = where_read(soft_cap_backward(ds, soft_cap_cache), ds)
    dq = weighted_sum(ds, k)  # scores = (q * scale) @ k^T: (..., T, S), (..., S, D) -> (..., T, D)
    # scores = (q * scale) @ k^T: (..., S, T), (..., T, D) -> (..., S, D)
    dk = weighted_sum(ds.swapaxes(-1, -2), q)  # (..., S, T), (..., T, D) -> (..., S, D)
    dq *= scale
    dk *= scale
    return AttentionGrads(dv, dp, dbias, ds, fold(dq, q), fold(dk, k))


def check_attention_shapes(q: Array, k: Array, v: Array, mask: Mask) -> None:
    """Raises ValueError or TypeError that names the two things that do not fit."""
    for name, x in (("queries", q), ("keys", k), ("values", v)):
        if x.ndim < 2:
            raise ValueError(f"{name} must be (..., length, width), not {x.shape}")
        if x.dtype.kind not in "fc":
            raise TypeError(f"{name} must be floats, not {x.dtype}")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"keys have width {k.shape[-1]} but queries have {q.shape[-1]}")
    if not q.shape[-1]:
        raise ValueError("queries and keys of width 0 have no scores")
    check_attend_shapes(q.shape[-2], k.shape[-2], v, mask)
    check_leading_axes(q, k, v, mask)


def check_leading_axes(q: Array, k: Array, v: Array, mask: Mask) -> None:
    """Raises ValueError unless the axes in front of (T, D), batch and heads, broadcast together."""
    lead: tuple[int, ...] = q.shape[:-2]
    if lead == k.shape[:-2] == v.shape[:-2] and (mask is None or mask.ndim <= 2):
        return
    for name, shape in (
        ("keys", k.shape[:-2]),
        ("values", v.shape[:-2]),
        ("mask", () if mask is None else mask.shape[:-2]),
    ):
        n = max(len(lead), len(shape))
        pairs = list(zip((1,) * (n - len(lead)) + lead, (1,) * (n - len(shape)) + shape, strict=True))
        if any(a != b and 1 not in (a, b) for a, b in pairs):
            raise ValueError(f"{name} for {shape} in front do not fit {lead}: batch and heads must be equal, or 1")
        lead = tuple(b if a == 1 else a for a, b in pairs)

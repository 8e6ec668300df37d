"""Performer: softmax attention estimated with positive random features (FAVOR+).

For any vectors x, y and normally distributed w

    exp(x . y) = E[ exp(w . x - |x|^2 / 2) exp(w . y - |y|^2 / 2) ]

so with m draws w_1 ... w_m and  phi(x)_i = exp(w_i . x - |x|^2 / 2) / sqrt(m)  the product phi(x) . phi(y) is an
unbiased estimate of exp(x . y), it is positive, and attention with it is linear attention (linear_attention.py).  The
scale of the scores is shared out: x = q sqrt(scale), y = k sqrt(scale).  Draws that are orthogonal to each other, in
blocks of D, cover the directions more evenly, and the error falls.

For the exponential not to overflow, a maximum is subtracted in the exponent: for a query that over its features, for
keys one over all of them.  Both are factors of numerator and denominator alike and cancel.  Not so when causal: one
later key could push all earlier ones below the smallest float, and so be heard before its time.  There every key keeps
a maximum of its own, and the sums go on in units of the largest so far (causal_product.py).

Derivation.  Write phi_i = exp(e_i) / sqrt(m), e_i = w_i . x - |x|^2 / 2 - c, where c cancels and counts as a constant:

    de_i = dphi_i phi_i         dx = sum_i de_i w_i - x sum_i de_i

Exact: in expectation numerator and denominator; not their quotient.  Approximated: softmax attention, with an error
that falls like 1 / sqrt(m) and grows with |q| and |k|.  Cost: O((T + S) m (D + Dv)).  It pays when T
is several times m.
Source: Choromanski et al. 2021, "Rethinking Attention with Performers", lemma 1, section 2.4 (orthogonal) and
algorithm 1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.key_mask import blocked_to_zero, key_mask
from tfx.efficient.linear_attention import (
    FeatureAttentionCache,
    feature_attention_backward,
    feature_attention_forward,
)
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.ops.basics.broadcast import fold


class PositiveFeaturesCache(NamedTuple):
    x: Array
    w: Array
    phi: Array
    top: Array  # what was subtracted in the exponent: (..., T, 1), or (..., 1, 1) for all tokens; -inf for no key


class PerformerCache(NamedTuple):
    query: PositiveFeaturesCache
    key: PositiveFeaturesCache
    root: float
    attention: FeatureAttentionCache


def random_features(
    n_features: int, width: int, seed: int = 0, orthogonal: bool = True, dtype: Any = "float64", xp: Any = np
) -> Array:
    """-> w: (m, D), normally distributed rows; orthogonal: to each other, in blocks of D rows.

    Each row keeps the length of a normal vector of its own, so that its distribution is the same.
    Raises ValueError when a number is below 1.
    """
    whole_number("n_features", n_features, 1)
    whole_number("the width of features", width, 1)
    whole_number("seed", seed, 0)
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((n_features, width))
    if orthogonal:
        n_blocks = -(-n_features // width)
        directions, upper = np.linalg.qr(rng.standard_normal((n_blocks, width, width)))
        directions = directions * np.sign(np.diagonal(upper, axis1=-2, axis2=-1))[:, None, :]  # every rotation alike
        lengths = np.sqrt((w * w).sum(axis=1, keepdims=True))
        w = directions.reshape(-1, width)[:n_features] * lengths
    return xp.asarray(w.astype(dtype))


@in_float32
def performer_forward(
    q: Array,
    k: Array,
    v: Array,
    w: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    causal: bool = False,
    chunk: int = 64,
) -> tuple[Array, PerformerCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv), w: (m, D) or (..., m, D) -> out: (..., T, Dv), in q's dtype.

    w: from `random_features`; it is a constant, not a parameter.  mask: boolean, broadcastable to (..., T, S), that
    blocks keys for all queries (see key_mask.py).  scale: 1 / sqrt(D) unless told, not negative.
    causal, chunk: as in linear_attention_forward.
    Raises ValueError when widths or lengths do not match, scale is negative or the mask blocks single scores.
    """
    check_attention_shapes(q, k, v, mask)
    whole_number("chunk", chunk, 1)
    if w.shape[-1] != q.shape[-1]:
        raise ValueError(f"features are for width {w.shape[-1]} but queries have {q.shape[-1]}")
    if not w.shape[-2]:
        raise ValueError("attention by random features needs at least one feature")
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    if scale < 0:
        raise ValueError(f"scale must not be negative, but is {scale}: its root is shared by queries and keys")
    root = math.sqrt(scale)
    fq, query_cache = _features_forward(q * root, w)
    keys = key_mask(mask, q.shape[-2], k.shape[-2], causal)
    fk, key_cache = _features_forward(blocked_to_zero(k, keys) * root, w, keys, together=not causal)
    sizes = key_cache.top[..., 0] if causal else None
    out, attention_cache = feature_attention_forward(fq, fk, v, mask, causal=causal, chunk=chunk, sizes=sizes)
    return out, PerformerCache(query_cache, key_cache, root, attention_cache)


@in_float32
def performer_backward(dout: Array, cache: PerformerCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    dfq, dfk, dv = feature_attention_backward(dout, cache.attention)
    dq = _features_backward(dfq, cache.query) * cache.root  # fq = features(q * root)
    dk = _features_backward(dfk, cache.key) * cache.root
    return dq, dk, dv


def _features_forward(
    x: Array, w: Array, keys: Array | None = None, together: bool = False
) -> tuple[Array, PositiveFeaturesCache]:
    """x: (..., T, D) -> phi: (..., T, m) > 0, up to a factor for each token or, if `together`, one for all tokens.

    keys: (..., T) boolean, those that the common factor looks at.
    """
    xp = xp_of(x)
    exponent = x @ w.swapaxes(-1, -2) - (x * x).sum(axis=-1, keepdims=True) * 0.5
    if not exponent.size:
        return exponent, PositiveFeaturesCache(x, w, exponent, exponent[..., :1])
    if keys is not None:
        exponent = xp.where(keys[..., None], exponent, -math.inf).astype(exponent.dtype)
    top = exponent.max(axis=(-1, -2) if together else -1, keepdims=True).real
    phi = xp.exp(exponent - xp.where(top == -math.inf, 0, top).astype(top.dtype))  # 1 / sqrt(m) cancels like exp(-top)
    return phi, PositiveFeaturesCache(x, w, phi, top)


def _features_backward(dphi: Array, cache: PositiveFeaturesCache) -> Array:
    """dphi: (..., T, m) -> dx: (..., T, D).  The factor counts as a constant: the attention divides it out."""
    x, w, phi, _ = cache
    dexponent = dphi * phi
    dx = dexponent @ w - x * dexponent.sum(axis=-1, keepdims=True)
    return fold(dx, x)

"""One bit, or a bit and a half, for each weight: signs with a scale for each column.

    binary      w_hat = a sign(w)      a = mean|w|, sign(0) = 1
    ternary     w_hat = a t            t = sign(w) where |w| > d, else 0;  d = 0.7 mean|w|,  a = mean|w| where t != 0

A product with signs needs no multiplication, only additions and one scale.

Why a = mean|w|.  For signs B, |w - a B|^2 = w.w - 2 a w.B + a^2 I, with its minimum at a = w.B / I.  The largest w.B
has B = sign(w), and then w.B = sum|w|.  For ternary weights the same gives the mean over those that are kept; the best
d has no closed form, and 0.7 mean|w| is close to it for normal and uniform weights.
Sources: Rastegari et al. 2016, "XNOR-Net", equations 4 to 6; Li, Zhang and Liu 2016, "Ternary Weight Networks",
equations 5 and 6.  Ma et al. 2024 (BitNet b1.58) round w / mean|w| instead.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of


class SignedWeights(NamedTuple):
    signs: Array  # (I, J) int8: -1, 1, and 0 if ternary
    scale: Array  # (1, J)


def binarise(w: Array) -> SignedWeights:
    """w: (I, J) -> signs and a scale for each column."""
    xp = xp_of(w)
    return SignedWeights(xp.where(w < 0, -1, 1).astype("int8"), xp.abs(w).mean(axis=0, keepdims=True))


def ternarise(w: Array, threshold: float = 0.7) -> SignedWeights:
    """w: (I, J), threshold: in means of |w| -> signs with zeros, and a scale for each column."""
    xp = xp_of(w)
    size = xp.abs(w)
    kept = size > threshold * size.mean(axis=0, keepdims=True)
    n_kept = xp.maximum(kept.sum(axis=0, keepdims=True), 1).astype(w.dtype)
    scale = xp.where(kept, size, 0).sum(axis=0, keepdims=True) / n_kept
    return SignedWeights(xp.where(kept, xp.sign(w), 0).astype("int8"), scale.astype(w.dtype))


def signed_weights(weights: SignedWeights) -> Array:
    """-> w_hat: (I, J)."""
    return weights.signs.astype(weights.scale.dtype) * weights.scale

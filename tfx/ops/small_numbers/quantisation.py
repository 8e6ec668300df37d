"""Quantisation: numbers stored as small integers, and the scale that turns them back.

    symmetric    w_hat = s q            s = max|w| / M,  M = 2^(b-1) - 1        q = round(w / s) in -M .. M
    affine       w_hat = s (q - z)      s = (max - min) / (2^b - 1)             q = round(w / s) + z in 0 .. 2^b - 1
                                        z = round(-min / s), with min <= 0 <= max, so that 0 stays 0

The promise of both is |w - w_hat| <= s / 2.  For symmetric codes that is rounding itself: nothing lies outside.  For
affine ones z is rounded too, by at most 1/2, so the ends of the range miss their code by no more than that.

How good that is.  An error spread evenly over -s/2 .. s/2 has the mean square s^2 / 12, and one more bit halves s: the
signal-to-noise ratio grows by 20 log10(2) = 6.02 dB for each bit (a little more from few symmetric bits, where the one
code that is not used counts).  One outlier makes s large for everybody that shares
it, so s is shared by fewer numbers: by a tensor, by a channel (one output: a column of w), or by a group of
neighbouring inputs of one column.  Affine codes pay where numbers lie on one side of 0, as after a ReLU.

Rounding is flat, so it has no useful gradient: see ops/small_numbers/straight_through.py.
Sources: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", section 2.1; groups: Shen et al. 2020, "Q-BERT", section 3.2; absmax by rows and columns: Dettmers et al.
2022, "LLM.int8()", section 2.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, on_host, xp_of
from tfx.half import HALF

SHARED_BY = ("tensor", "channel", "group")


class Quantised(NamedTuple):
    """codes: the shape of w, int8 (symmetric) or uint8 (affine).  scale, zero_point: one for each group of w."""

    codes: Array
    scale: Array  # (G, 1, J) for w: (I, J), with G and J 1 where a scale is shared
    zero_point: Array | None
    bits: int

    @property
    def n_bytes(self) -> int:
        """Bytes of the codes, packed (two 4-bit codes in one), and of the scales and zero points."""
        of_groups = self.scale.nbytes + (0 if self.zero_point is None else self.scale.size)
        return -(-self.codes.size * self.bits // 8) + of_groups


def quantise(w: Array, bits: int = 8, symmetric: bool = True, per: str = "tensor", group: int = 64) -> Quantised:
    """w: (I, J) -> codes and scales.  per: "tensor", "channel" (a column) or "group" (`group` rows of a column).

    Zeros alone get the scale 1.  Raises ValueError for bits outside 2 .. 8, an unknown `per`, a group that does not
    divide I, no number at all, and numbers that are not finite (on the host).
    """
    if not 2 <= whole_number("bits", bits) <= 8:
        raise ValueError(f"codes have 2 to 8 bits, not {bits}; for 1 bit see ops/small_numbers/binary_weights.py")
    xp = xp_of(w)
    blocks = in_groups(w.astype("float32") if w.dtype == HALF else w, per, group)  # float16 has no small scales
    axes = (0, 1, 2) if per == "tensor" else (1,)
    if on_host(w) and not xp.isfinite(w).all():
        raise ValueError("a matrix with NaN or inf has no scale")
    low = xp.minimum(blocks.min(axis=axes, keepdims=True), 0)
    high = xp.maximum(blocks.max(axis=axes, keepdims=True), 0)
    if symmetric:
        top = 2 ** (bits - 1) - 1
        scale = _not_zero(xp.maximum(-low, high) / top)
        codes = xp.rint(blocks / scale)
        return Quantised(codes.astype("int8").reshape(w.shape), scale, None, bits)
    with np.errstate(over="ignore"):
        span = (high - low) / (2**bits - 1)
    scale = _not_zero(xp.where(xp.isinf(span), high / (2**bits - 1) - low / (2**bits - 1), span))
    zero_point = xp.rint(-low / scale)
    codes = xp.clip(xp.rint(blocks / scale) + zero_point, 0, 2**bits - 1)
    return Quantised(codes.astype("uint8").reshape(w.shape), scale, zero_point.astype("uint8"), bits)


def dequantise(quantised: Quantised) -> Array:
    """-> w_hat: (I, J), in the dtype of the scales: float32 for weights in float16."""
    codes, scale, zero_point, _ = quantised
    blocks = codes.reshape(scale.shape[0], -1, codes.shape[1]).astype(scale.dtype)
    if zero_point is not None:
        blocks = blocks - zero_point.astype(scale.dtype)
    with np.errstate(over="ignore"):
        w = (scale * blocks).reshape(codes.shape)
    largest = xp_of(w).finfo(w.dtype).max
    return xp_of(w).clip(w, -largest, largest)  # rounding of the scale may lead past the largest number


def in_groups(w: Array, per: str, group: int) -> Array:
    """w: (I, J) -> (G, I / G, J), G = 1 unless per is "group".  Raises ValueError when it does not divide I."""
    if w.ndim != 2 or not w.shape[0]:
        raise ValueError(f"a matrix (I, J) with at least one row is quantised, not {w.shape}")
    if per not in SHARED_BY:
        raise ValueError(f'a scale is shared by a {", a ".join(SHARED_BY)}, not by "{per}"')
    if per != "group":
        return w[None]
    if whole_number("group", group) < 1 or w.shape[0] % group:
        raise ValueError(f"{w.shape[0]} rows cannot be cut into groups of {group}")
    return w.reshape(w.shape[0] // group, group, w.shape[1])


def _not_zero(scale: Array) -> Array:
    return xp_of(scale).where(scale > 0, scale, 1).astype(scale.dtype)

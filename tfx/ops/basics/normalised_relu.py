"""Normalised ReLU: positive scores in proportion to their size, the others nothing.

    r = max(x, 0)        y_i = r_i / sum_k r_k          a row without a positive score gives zeros

Unlike softmax it is not invariant to a shift of all scores: it asks which are above 0.

Derivation.  Write R = sum_k r_k.  dy_i/dr_j = (delta_ij R - r_i) / R^2 = (delta_ij - y_i) / R, so

    dr_j = (dy_j - sum_i dy_i y_i) / R                 every output pulls on every positive score through R
    dx_j = dr_j where x_j > 0, and 0 elsewhere         r = max(x, 0)

Source: no paper of its own.  Zhang, Titov and Sennrich 2021, "Sparse Attention with Linear Units", put a ReLU in the
place of the softmax and a normalisation of the output in the place of the sum; Wortsman et al. 2023, "Replacing softmax
with ReLU in Vision Transformers", divide by the length.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class NormalisedReluCache(NamedTuple):
    y: Array
    divisor: Array
    positive: Array


@in_float32
def normalised_relu_forward(x: Array) -> tuple[Array, NormalisedReluCache]:
    """x: (..., S), float -> y: (..., S), not negative; rows sum to 1, or to 0 where no score is positive."""
    xp = xp_of(x)
    positive = x > 0
    r = xp.where(positive, x, 0)
    total = r.sum(axis=-1, keepdims=True)
    divisor = xp.where(total > 0, total, 1)
    y = r / divisor
    return y, NormalisedReluCache(y, divisor, positive)


@in_float32
def normalised_relu_backward(dy: Array, cache: NormalisedReluCache) -> Array:
    """dy: (..., S) -> dx: (..., S); a row without a positive score gets zeros."""
    y, divisor, positive = cache
    inner = (dy * y).sum(axis=-1, keepdims=True, dtype=divisor.dtype)
    dr = (dy - inner) / divisor  # y = r / total, and total is the sum of r
    return xp_of(dy).where(positive, dr, 0).astype(dy.dtype)  # r = max(x, 0)

"""ScaleNorm: every token is scaled to one learned length g, which all features share.

    y = g x / |x|                 |x| = sqrt(sum_i x_i^2 + eps)

Derivation.  The sum of squares is C times their mean, so this is RMSNorm without a gain (ops/norms/rms_norm.py), times
a number: with u = x / |x| = rms_norm(x, eps / C) / sqrt(C),

    y = g u      dg = sum over tokens and features of dy * u      du = g dy

and rms_norm's backward does the rest: dx = (g / |x|) (dy - u (u . dy)), dy without its part along x, because making
x longer does not make y longer.

The authors start g at sqrt(C), the length of a row of C standard normal numbers.  They divide by max(|x|, eps); here
eps stands under the root, so that the derivative exists everywhere.
Source: Nguyen and Salazar 2019, "Transformers without Tears", section 2.2, equation 5.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.norms.rms_norm import RmsNormCache, rms_norm_backward, rms_norm_forward


class ScaleNormCache(NamedTuple):
    unit: Array  # (..., C), rows of length 1
    g: Array
    rms: RmsNormCache


@in_float32
def scale_norm_forward(x: Array, g: Array, eps: float = 1e-5) -> tuple[Array, ScaleNormCache]:
    """x: (..., C), g: () -> y: (..., C) in x's dtype, rows of length g; a row of zeros gives zeros.

    Raises ValueError when g is not a single number, or C is 0.
    """
    if g.shape != () or not x.shape[-1]:
        raise ValueError(f"g has to be one number and x may not be empty rows, but g is {g.shape} and x is {x.shape}")
    width = x.shape[-1]
    xhat, rms = rms_norm_forward(x, eps=eps / width)
    unit = xhat * (1.0 / math.sqrt(width))
    return g * unit, ScaleNormCache(unit, g, rms)


@in_float32
def scale_norm_backward(dy: Array, cache: ScaleNormCache) -> tuple[Array, Array]:
    """dy: (..., C) -> dx: (..., C), dg: ()."""
    unit, g, rms = cache
    dg = (dy * unit).sum()  # y = g * unit, everywhere the same g
    dxhat = dy * g * (1.0 / math.sqrt(dy.shape[-1]))  # unit = xhat / sqrt(C)
    dx, _ = rms_norm_backward(dxhat, rms)  # xhat = rms_norm(x)
    return dx, dg

"""RMS normalisation of the last axis: every token x is scaled to a root mean square of 1, and not centred.

    r = 1 / sqrt(mean(x^2) + eps)
    xhat = x r
    y = gamma * xhat

gamma is a learned gain for each coordinate; eps is small and keeps a token of zeros from dividing by 0.  This is
LayerNorm without the mean and the offset: on a centred token, and where that offset is 0, the two are equal.

Derivation.  Let C be the width, g = dy * gamma (the gradient of xhat), and <.> the mean over the width.
x_i reaches xhat_j = x_j r directly and through r.  With v = mean(x^2),

    dv/dx_i = 2 x_i / C      dr/dv = -r^3 / 2      so dr/dx_i = -r^3 x_i / C = -r^2 xhat_i / C
    dxhat_j/dx_i = delta_ij r + x_j dr/dx_i = r (delta_ij - xhat_j xhat_i / C)

    dx_i = sum_j g_j dxhat_j/dx_i = r (g_i - xhat_i <g xhat>)

This is LayerNorm's gradient without <g>, the path through the mean.

    dgamma = sum over tokens of dy * xhat

Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.sums import column_sums, row_means


class RmsNormCache(NamedTuple):
    xhat: Array
    inv_rms: Array  # (..., 1)
    gamma: Array | None


@in_float32
def rms_norm_forward(x: Array, gamma: Array | None = None, eps: float = 1e-5) -> tuple[Array, RmsNormCache]:
    """x: (..., C), gamma: (C,) or None -> y: (..., C) in x's dtype, cache.

    A row of zeros gives zeros.  The squares overflow where |x| nears the root of the dtype's largest number.
    Raises ValueError when the widths differ.
    """
    if gamma is not None and gamma.shape != x.shape[-1:]:
        raise ValueError(f"x has width {x.shape[-1]} but gamma is {gamma.shape}")
    mean_square = row_means(x * x)  # (..., C) -> (..., 1)
    inv_rms = 1.0 / xp_of(x).sqrt(mean_square + (eps or mean_square == 0))  # without eps zeros are divided by 1
    xhat = x * inv_rms  # (..., C), (..., 1) -> (..., C)
    y = xhat if gamma is None else xhat * gamma  # (..., C), (C,) -> (..., C)
    return y, RmsNormCache(xhat, inv_rms, gamma)


@in_float32
def rms_norm_backward(dy: Array, cache: RmsNormCache) -> tuple[Array, Array | None]:
    """dy: (..., C) -> dx: (..., C), dgamma: (C,), or None where forward had no gamma."""
    xhat, inv_rms, gamma = cache
    dx, g, dgamma = dy * xhat, dy, None  # dx is built up in one array, beginning with dy * xhat: -> (..., C)
    if gamma is not None:
        g, dgamma = dy * gamma, column_sums(dx)  # y = xhat * gamma: (..., C), (C,) -> (..., C), (C,)
        dx *= gamma  # g * xhat: (..., C), (C,) -> (..., C)
    # through inv_rms = 1 / sqrt(mean(x^2) + eps): (..., C), (..., 1) -> (..., C)
    xp_of(dx).multiply(xhat, -row_means(dx), out=dx)
    dx += g  # and directly: (..., C), (..., C) -> (..., C)
    dx *= inv_rms  # (..., C), (..., 1) -> (..., C)
    return dx, dgamma

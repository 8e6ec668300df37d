"""Layer normalisation of the last axis: every token is centred and scaled by its own statistics.

    m = mean(x)      v = mean((x - m)^2)      r = 1 / sqrt(v + eps)
    xhat = (x - m) r                          mean 0 and, up to eps, variance 1
    y = gamma * xhat + beta

Derivation.  Let C be the width, g = dy * gamma (the gradient of xhat), and <.> the mean over the width.
x_i reaches xhat_j along three paths: directly, through m and through v.  From xhat_j = (x_j - m) r,

    dm/dx_i = 1/C      dv/dx_i = 2 (x_i - m) / C      dr/dv = -r^3 / 2
    dxhat_j/dx_i = r (delta_ij - 1/C) - (x_j - m) r^3 (x_i - m) / C
                 = r (delta_ij - 1/C - xhat_j xhat_i / C)

    dx_i = sum_j g_j dxhat_j/dx_i = r (g_i - <g> - xhat_i <g xhat>)

gamma stands inside both means, because g does.  eps needs no term of its own: it lives in r.

    dgamma = sum over tokens of dy * xhat      dbeta = sum over tokens of dy

A gamma of None is all ones, a beta of None all zeros.  Several trailing axes are normalised together by folding them
into one first.
In a few lines: `short_layer_norm` in ops/basics/short_forms.py.
Source: Ba, Kiros and Hinton 2016, "Layer Normalization"; eps under the root as in Ioffe and Szegedy 2015.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.sums import column_sums, row_means


class LayerNormCache(NamedTuple):
    xhat: Array
    inv_std: Array  # (..., 1)
    gamma: Array | None
    has_beta: bool
    mean: Array  # (..., 1)


@in_float32
def layer_norm_forward(
    x: Array, gamma: Array | None = None, beta: Array | None = None, eps: float = 1e-5
) -> tuple[Array, LayerNormCache]:
    """x: (..., C), gamma: (C,) or None, beta: (C,) or None -> y: (..., C) in x's dtype, cache.

    A constant row gives beta, with eps = 0 too (PyTorch gives NaN there).  The squares overflow where |x| nears the
    root of the dtype's largest number (about 1e19 in float32, as which float16 is computed, 1e154 in float64); -inf or
    NaN in a row makes that row NaN.
    Raises ValueError when the widths differ.
    """
    for name, parameter in (("gamma", gamma), ("beta", beta)):
        if parameter is not None and parameter.shape != x.shape[-1:]:
            raise ValueError(f"x has width {x.shape[-1]} but {name} is {parameter.shape}")
    xp = xp_of(x)
    mean = row_means(x)  # (..., C) -> (..., 1)
    xhat = x - mean  # centred, and scaled two lines below: (..., C), (..., 1) -> (..., C)
    variance = row_means(xhat * xhat)  # (..., C) -> (..., 1)
    inv_std = 1.0 / xp.sqrt(variance + (eps or variance == 0))  # without eps a constant row is divided by 1
    xhat *= inv_std  # (..., C), (..., 1) -> (..., C)
    y = xhat.copy() if gamma is None else xhat * gamma  # (..., C), (C,) -> (..., C)
    if beta is not None:
        y += beta  # (..., C), (C,) -> (..., C)
    return y, LayerNormCache(xhat, inv_std, gamma, beta is not None, mean)


@in_float32
def layer_norm_backward(dy: Array, cache: LayerNormCache) -> tuple[Array, Array | None, Array | None]:
    """dy: (..., C) -> dx: (..., C), dgamma: (C,), dbeta: (C,); None for what was None in forward."""
    xhat, inv_std, gamma, has_beta, _ = cache
    dbeta = column_sums(dy) if has_beta else None  # y = ... + beta, for every token: (..., C) -> (C,)
    dx, g, dgamma = dy * xhat, dy, None  # dx is built up in one array, beginning with dy * xhat: -> (..., C)
    if gamma is not None:
        g, dgamma = dy * gamma, column_sums(dx)  # y = xhat * gamma + ...: (..., C), (C,) -> (..., C), (C,)
        dx *= gamma  # g * xhat: (..., C), (C,) -> (..., C)
    # through inv_std = 1 / sqrt(variance(x) + eps): (..., C), (..., 1) -> (..., C)
    xp_of(dx).multiply(xhat, -row_means(dx), out=dx)
    dx -= row_means(g)  # through centred = x - mean(x): (..., C), (..., 1) -> (..., C)
    dx += g  # and directly: (..., C), (..., C) -> (..., C)
    dx *= inv_std  # (..., C), (..., 1) -> (..., C)
    return dx, dgamma, dbeta

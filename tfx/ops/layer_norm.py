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

Source: Ba, Kiros and Hinton 2016, "Layer Normalization"; eps under the root as in Ioffe and Szegedy 2015.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of


class LayerNormCache(NamedTuple):
    xhat: Array
    inv_std: Array
    gamma: Array


def layer_norm_forward(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> tuple[Array, LayerNormCache]:
    """x: (..., C), gamma: (C,), beta: (C,) -> y: (..., C) in x's dtype, cache.

    A constant row gives beta.  The squares overflow where |x| nears the root of the dtype's largest number (about
    1e19 in float32, 1e154 in float64); -inf or NaN in a row makes that row NaN.
    Raises ValueError when the widths differ.
    """
    if gamma.shape != x.shape[-1:] or beta.shape != x.shape[-1:]:
        raise ValueError(f"x has width {x.shape[-1]} but gamma is {gamma.shape} and beta is {beta.shape}")
    xp = xp_of(x)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    inv_std = 1.0 / xp.sqrt(variance + eps)
    xhat = centred * inv_std
    return xhat * gamma + beta, LayerNormCache(xhat, inv_std, gamma)


def layer_norm_backward(dy: Array, cache: LayerNormCache) -> tuple[Array, Array, Array]:
    """dy: (..., C) -> dx: (..., C), dgamma: (C,), dbeta: (C,)."""
    xhat, inv_std, gamma = cache
    tokens = tuple(range(dy.ndim - 1))
    dbeta = dy.sum(axis=tokens)  # y = ... + beta, for every token
    dgamma = (dy * xhat).sum(axis=tokens)  # y = xhat * gamma + ...
    g = dy * gamma
    through_mean = g.mean(axis=-1, keepdims=True)  # centred = x - mean(x)
    through_variance = xhat * (g * xhat).mean(axis=-1, keepdims=True)  # inv_std = 1 / sqrt(variance(x) + eps)
    dx = inv_std * (g - through_mean - through_variance)
    return dx, dgamma, dbeta

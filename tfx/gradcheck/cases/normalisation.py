"""Normalisation layers: random gains and offsets, and an eps that one can see."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.ops.layer_norm import LayerNormCache, layer_norm_backward, layer_norm_forward


def layer_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0) -> Problem:
    inputs = {
        "x": scale * rng.standard_normal((B, T, C)) + 0.5,
        "gamma": 1.0 + 0.5 * rng.standard_normal(C),
        "beta": rng.standard_normal(C),
    }
    return Problem(layer_norm_forward, layer_norm_backward, inputs, {"eps": eps})


def layer_norm_gamma_outside(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache
    centred = dy - dy.mean(axis=-1, keepdims=True) - xhat * (dy * xhat).mean(axis=-1, keepdims=True)
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return gamma * inv_std * centred, dgamma, dbeta


def layer_norm_mean_is_constant(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache
    g = dy * gamma
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return inv_std * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), dgamma, dbeta


def layer_norm_eps_forgotten(dy: Any, cache: LayerNormCache) -> Any:
    """xhat is taken to have variance 1, which is only true for eps = 0."""
    variance = (cache.xhat * cache.xhat).mean(axis=-1, keepdims=True)
    return layer_norm_backward(dy, cache._replace(xhat=cache.xhat / np.sqrt(variance)))


CASES: tuple[Case, ...] = (
    Case(layer_norm_backward, "random gain and offset", layer_norm),
    Case(layer_norm_backward, "eps as large as the variance", partial(layer_norm, eps=0.7)),
    Case(layer_norm_backward, "inputs 50 times larger", partial(layer_norm, scale=50.0)),
)

CONTROLS: tuple[Control, ...] = (
    Control("layer_norm", "gamma stands outside the means", layer_norm_gamma_outside, layer_norm),
    Control("layer_norm", "the mean is taken for a constant", layer_norm_mean_is_constant, layer_norm),
    Control("layer_norm", "eps = 1e-5 is forgotten", layer_norm_eps_forgotten, layer_norm),
)

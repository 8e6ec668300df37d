"""Known mistakes in tfx/ops/norms/layer_norm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.norms.layer_norm import layer_norm
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward


def layer_norm_gamma_outside(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache[:3]
    centred = dy - dy.mean(axis=-1, keepdims=True) - xhat * (dy * xhat).mean(axis=-1, keepdims=True)
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return gamma * inv_std * centred, dgamma, dbeta


def layer_norm_mean_is_constant(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache[:3]
    g = dy * gamma
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return inv_std * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), dgamma, dbeta


def layer_norm_eps_forgotten(dy: Any, cache: LayerNormCache) -> Any:
    """xhat is taken to have variance 1, which is only true for eps = 0."""
    variance = (cache.xhat * cache.xhat).mean(axis=-1, keepdims=True)
    return layer_norm_backward(dy, cache._replace(xhat=cache.xhat / np.sqrt(variance)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="layer_norm",
        name="gamma-outside-the-means",
        says="gamma stands outside the means",
        why="The gain is the last factor of the forward pass, so it is multiplied on at the very end.",
        hint="Is gamma the same for all features? May such a factor be taken out of a mean over features?",
        problem=layer_norm,
        wrong_backward=layer_norm_gamma_outside,
    ),
    Mistake(
        op="layer_norm",
        name="mean-is-constant",
        says="the mean is taken for a constant",
        why="Subtracting the mean looks like a shift, and shifts have slope 1.",
        hint="Does the mean of a row move when one entry of it moves?",
        problem=layer_norm,
        wrong_backward=layer_norm_mean_is_constant,
    ),
    Mistake(
        op="layer_norm",
        name="eps-forgotten",
        says="eps = 1e-5 is forgotten",
        why="eps is there to avoid a division by zero and is not thought of as a part of the function.",
        hint="Is the mean square of xhat exactly 1?",
        problem=layer_norm,
        wrong_backward=layer_norm_eps_forgotten,
    ),
)

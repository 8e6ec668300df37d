"""Known mistakes in tfx/ops/norms/layer_norm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.norms.layer_norm import layer_norm
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward


@wrong_backward(layer_norm)
def gamma_outside_the_means(dy: Any, cache: LayerNormCache) -> Any:
    """Gamma stands outside the means.

    Why: The gain is the last factor of the forward pass, so it is multiplied on at the very end.
    Hint: Is gamma the same for all features? May such a factor be taken out of a mean over features?
    """
    xhat, inv_std, gamma = cache[:3]
    centred = dy - dy.mean(axis=-1, keepdims=True) - xhat * (dy * xhat).mean(axis=-1, keepdims=True)
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return gamma * inv_std * centred, dgamma, dbeta


@wrong_backward(layer_norm)
def mean_is_constant(dy: Any, cache: LayerNormCache) -> Any:
    """The mean is taken for a constant.

    Why: Subtracting the mean looks like a shift, and shifts have slope 1.
    Hint: Does the mean of a row move when one entry of it moves?
    """
    xhat, inv_std, gamma = cache[:3]
    g = dy * gamma
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return inv_std * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), dgamma, dbeta


@wrong_backward(layer_norm)
def eps_forgotten(dy: Any, cache: LayerNormCache) -> Any:
    """eps = 1e-5 is forgotten.

    xhat is taken to have variance 1, which is only true for eps = 0.

    Why: eps is there to avoid a division by zero and is not thought of as a part of the function.
    Hint: Is the mean square of xhat exactly 1?
    """
    variance = (cache.xhat * cache.xhat).mean(axis=-1, keepdims=True)
    return layer_norm_backward(dy, cache._replace(xhat=cache.xhat / np.sqrt(variance)))

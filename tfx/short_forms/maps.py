"""Linear maps and norms in a few lines, and back.  Derivations: ops/basics/linear.py and ops/norms."""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.norms.batch_norm import batch_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import C, D, T


def _linear(rng: np.random.Generator) -> Trial:
    return on(linear_forward, rng.standard_normal((T, C)), rng.standard_normal((C, D)), rng.standard_normal(D))


@short_of(linear_forward, _linear)
def linear(x: Array, w: Array, b: Array) -> Array:
    return x @ w + b  # (T, C) x (C, D) -> (T, D)


def _linear_back(rng: np.random.Generator) -> Trial:
    x, w, b = _linear(rng).arguments
    dy = rng.standard_normal((T, D))
    return Trial((dy, x, w), linear_backward(dy, linear_forward(x, w, b)[1]))


@short_of(linear_backward, _linear_back)
def linear_gradients(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    dx = dy @ w.T  # (T, D) x (D, C) -> (T, C)
    dw = x.T @ dy  # (C, T) x (T, D) -> (C, D)
    return dx, dw, dy.sum(0)  # db: (T, D) -> (D,)


def tokens_and_gain(rng: np.random.Generator) -> tuple[Array, Array]:
    return 1 + 2 * rng.standard_normal((T, C)), rng.standard_normal(C)


@short_of(rms_norm_forward, lambda rng: on(rms_norm_forward, *tokens_and_gain(rng)))
def rms_norm(x: Array, gamma: Array, eps: float = 1e-5) -> Array:
    rms = np.sqrt((x * x).mean(-1, keepdims=True) + eps)  # (T, C) -> (T, 1)
    return x / rms * gamma  # (T, C), (T, 1), (C,) -> (T, C)


def _rms_norm_back(rng: np.random.Generator) -> Trial:
    x, gamma = tokens_and_gain(rng)
    dy = rng.standard_normal((T, C))
    return Trial((dy, x, gamma), rms_norm_backward(dy, rms_norm_forward(x, gamma)[1]))


@short_of(rms_norm_backward, _rms_norm_back)
def rms_norm_gradients(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array]:
    rms = np.sqrt((x * x).mean(-1, keepdims=True) + eps)  # (T, C) -> (T, 1)
    xhat, g = x / rms, dy * gamma  # (T, C), (T, C)
    dx = (g - xhat * (g * xhat).mean(-1, keepdims=True)) / rms  # (T, C)
    return dx, (dy * xhat).sum(0)  # dgamma: (T, C) -> (C,)


def _layer_norm(rng: np.random.Generator) -> Trial:
    return on(layer_norm_forward, *tokens_and_gain(rng), rng.standard_normal(C))


@short_of(layer_norm_forward, _layer_norm)
def layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    centred = x - x.mean(-1, keepdims=True)  # (T, C)
    std = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)  # (T, 1)
    return centred / std * gamma + beta  # (T, C), (T, 1), (C,) -> (T, C)


def _layer_norm_back(rng: np.random.Generator) -> Trial:
    x, gamma, beta = _layer_norm(rng).arguments
    dy = rng.standard_normal((T, C))
    return Trial((dy, x, gamma), layer_norm_backward(dy, layer_norm_forward(x, gamma, beta)[1]))


@short_of(layer_norm_backward, _layer_norm_back)
def layer_norm_gradients(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    centred = x - x.mean(-1, keepdims=True)  # (T, C)
    std = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)  # (T, 1)
    xhat, g = centred / std, dy * gamma  # (T, C), (T, C)
    through_std = xhat * (g * xhat).mean(-1, keepdims=True)  # (T, C)
    dx = (g - g.mean(-1, keepdims=True) - through_std) / std  # (T, C)
    return dx, (dy * xhat).sum(0), dy.sum(0)  # (T, C) -> (C,), (C,)


def _batch_norm(rng: np.random.Generator) -> Trial:
    return on(batch_norm_forward, *tokens_and_gain(rng), rng.standard_normal(C))


@short_of(batch_norm_forward, _batch_norm)
def batch_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    centred = x - x.mean(0)  # (T, C), (C,): each feature over all tokens
    std = np.sqrt((centred * centred).mean(0) + eps)  # (T, C) -> (C,)
    return centred / std * gamma + beta  # (T, C)

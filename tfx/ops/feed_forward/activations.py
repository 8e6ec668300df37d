"""Activations: the only bend in the feed-forward network.

    relu(x)      = max(x, 0)
    gelu(x)      = x Phi(x)                            Phi = normal distribution function = erfc(-x / sqrt(2)) / 2
    gelu_tanh(x) = x (1 + tanh(u)) / 2                 u = sqrt(2/pi) (x + 0.044715 x^3), an approximation of gelu
                 = x sigmoid(2u)                       the same, and how it is computed: one exp instead of one tanh

Derivation.  They all work number by number, so dx = dy * y'(x):

    relu'      = 1 where x > 0, else 0                 at x = 0 any slope in [0, 1] is a subgradient; 0 is taken
    gelu'      = Phi(x) + x phi(x)                     product rule; phi(x) = exp(-x^2 / 2) / sqrt(2 pi) is Phi'
    gelu_tanh' = s + x s (1 - s) 2u'                   s = sigmoid(2u), so s' = s (1 - s) 2u',
                                                       and u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2)

Beyond |x| = 40 the tails are 0 or 1 in every dtype (10 and 1e-38 for gelu_tanh, whose exponent is a cube), so arguments
are clipped there and nothing overflows: -inf gives 0, the limit, and 1e30 gives 1e30.

Who uses which, by its name in ACTIVATIONS (those made of the sigmoid are in ops/feed_forward/sigmoid.py):

    relu        the Transformer of 2017, T5, OPT            gelu       BERT, ViT, the equation of GPT-1
    gelu_tanh   the code of GPT-2, GPT-3                    silu       inside SwiGLU: LLaMA, PaLM (gated.py)
    sigmoid     the gates of LSTM, GRU and GLU              tanh       RNN, LSTM cell, BERT's pooler
    softplus    step sizes and rates that must be positive  mish       YOLOv4; seldom in Transformers
    identity    no bend at all: two linear maps are one, of rank F (and the bilinear gate)

Source: Nair and Hinton 2010 (ReLU); Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.feed_forward.erf import erfc
from tfx.ops.feed_forward.sigmoid import (
    mish_backward,
    mish_forward,
    sigmoid_backward,
    sigmoid_forward,
    silu_backward,
    silu_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)

_TAIL = 40.0
_TANH_TAIL = 10.0
_CUBIC = 0.044715
_TANH_SCALE = math.sqrt(2.0 / math.pi)


class IdentityCache(NamedTuple):
    """Nothing to remember: the slope is 1 everywhere."""


class ReluCache(NamedTuple):
    x: Array


class GeluCache(NamedTuple):
    x: Array
    cdf: Array


class GeluTanhCache(NamedTuple):
    z: Array  # x, clipped
    s: Array  # sigmoid(2u)


@in_float32
def identity_forward(x: Array) -> tuple[Array, IdentityCache]:
    """x: any shape -> x itself."""
    return x, IdentityCache()


@in_float32
def identity_backward(dy: Array, cache: IdentityCache) -> Array:
    """dy: shape of x -> dx = dy."""
    return dy


@in_float32
def relu_forward(x: Array) -> tuple[Array, ReluCache]:
    """x: any shape, float -> max(x, 0), same shape and dtype; NaN stays NaN."""
    return xp_of(x).maximum(x, 0), ReluCache(x)


@in_float32
def relu_backward(dy: Array, cache: ReluCache) -> Array:
    """dy: shape of x -> dx."""
    return dy * (cache.x > 0)  # y = max(x, 0)


@in_float32
def gelu_forward(x: Array) -> tuple[Array, GeluCache]:
    """x: any shape, float -> x Phi(x), same shape and dtype; NaN stays NaN."""
    cdf = 0.5 * erfc(x * -math.sqrt(0.5))
    return xp_of(x).maximum(x, -_TAIL) * cdf, GeluCache(x, cdf)


@in_float32
def gelu_backward(dy: Array, cache: GeluCache) -> Array:
    """dy: shape of x -> dx."""
    xp = xp_of(cache.x)
    x = xp.clip(cache.x, -_TAIL, _TAIL)
    pdf = xp.exp(x * x * -0.5) * (1.0 / math.sqrt(2.0 * math.pi))
    return dy * (cache.cdf + x * pdf)  # y = x * cdf(x)


@in_float32
def gelu_tanh_forward(x: Array) -> tuple[Array, GeluTanhCache]:
    """x: any shape, float -> the tanh form of GELU, same shape and dtype; NaN stays NaN."""
    xp = xp_of(x)
    z = xp.clip(x, -_TANH_TAIL, _TANH_TAIL)
    s = z * z
    s *= -2.0 * _TANH_SCALE * _CUBIC
    s += -2.0 * _TANH_SCALE
    s *= z  # -2u
    xp.exp(s, out=s)
    s += 1.0
    xp.divide(1.0, s, out=s)  # sigmoid(2u) = 1 / (1 + exp(-2u))
    y = xp.clip(x, -_TANH_TAIL, math.inf)
    y *= s
    return y, GeluTanhCache(z, s)


@in_float32
def gelu_tanh_backward(dy: Array, cache: GeluTanhCache) -> Array:
    """dy: shape of x -> dx."""
    z, s = cache
    slope = z * z
    slope *= 6.0 * _TANH_SCALE * _CUBIC
    slope += 2.0 * _TANH_SCALE  # u = scale * (x + cubic * x^3), so this is 2u'
    slope *= z
    slope *= s
    slope *= 1.0 - s  # s = sigmoid(2u), so x s' = x s (1 - s) 2u'
    slope += s
    slope *= dy  # y = x * s
    return slope


#: Name -> (forward, backward), for whoever lets the reader choose.  forward(x) is enough for each of them.
ACTIVATIONS: dict[str, tuple[Callable[..., tuple[Array, Any]], Callable[[Array, Any], Array]]] = {
    "relu": (relu_forward, relu_backward),
    "gelu": (gelu_forward, gelu_backward),
    "gelu_tanh": (gelu_tanh_forward, gelu_tanh_backward),
    "silu": (silu_forward, silu_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
    "softplus": (softplus_forward, softplus_backward),
    "mish": (mish_forward, mish_backward),
    "identity": (identity_forward, identity_backward),
}

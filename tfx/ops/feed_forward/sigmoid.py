"""The logistic sigmoid, and the activations that are made of it.

    sigmoid(x)  = s = 1 / (1 + exp(-x))                from 0 to 1: a gate, or the probability of yes
    tanh(x)     = 2 sigmoid(2 x) - 1                   the same curve from -1 to 1
    silu(x)     = x sigmoid(beta x)                    Swish; beta = 1 is the SiLU, a large beta nearly ReLU
    softplus(x) = log(1 + exp(x))                      a ReLU without the kink
    mish(x)     = x tanh(softplus(x))

Derivation.  All work number by number, so dx = dy * y'(x):

    sigmoid'  = exp(-x) / (1 + exp(-x))^2 = s (1 - s)
    tanh'     = 1 - tanh(x)^2
    silu'     = s + beta x s (1 - s)                   product rule, with s = sigmoid(beta x)
    softplus' = exp(x) / (1 + exp(x)) = sigmoid(x)
    mish'     = t + x (1 - t^2) sigmoid(x)             t = tanh(softplus(x)), by the chain rule

exp only ever sees -|x|, so nothing overflows: for x < 0 the sigmoid is exp(x) / (1 + exp(x)), and
softplus(x) = max(x, 0) + log(1 + exp(-|x|)).  So -1e30 and -inf give their limits, and small values keep their digits.
Sources: Elfwing, Uchibe and Doya 2018 (SiLU); Ramachandran, Zoph and Le 2017, "Searching for Activation Functions"
(Swish); Dugas et al. 2001 (softplus); Misra 2019, "Mish".
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class SigmoidCache(NamedTuple):
    y: Array


class TanhCache(NamedTuple):
    y: Array


class SiluCache(NamedTuple):
    x: Array
    s: Array
    beta: float


class SoftplusCache(NamedTuple):
    x: Array


class MishCache(NamedTuple):
    x: Array
    t: Array


@in_float32
def sigmoid_forward(x: Array) -> tuple[Array, SigmoidCache]:
    """x: any shape, float -> 1 / (1 + exp(-x)), same shape and dtype, in [0, 1]; NaN stays NaN."""
    xp = xp_of(x)
    e = xp.exp(xp.minimum(x, -x))
    y = xp.where(x >= 0, 1, e).astype(x.dtype) / (1 + e)
    return y, SigmoidCache(y)


@in_float32
def sigmoid_backward(dy: Array, cache: SigmoidCache) -> Array:
    """dy: shape of y -> dx."""
    return dy * cache.y * (1 - cache.y)  # y = sigmoid(x)


@in_float32
def tanh_forward(x: Array) -> tuple[Array, TanhCache]:
    """x: any shape, float -> tanh(x), same shape and dtype, in [-1, 1]; NaN stays NaN."""
    y = xp_of(x).tanh(x)
    return y, TanhCache(y)


@in_float32
def tanh_backward(dy: Array, cache: TanhCache) -> Array:
    """dy: shape of y -> dx."""
    return dy * (1 - cache.y * cache.y)  # y = tanh(x)


@in_float32
def silu_forward(x: Array, beta: float = 1.0) -> tuple[Array, SiluCache]:
    """x: any shape, float -> x sigmoid(beta x), same shape and dtype; NaN stays NaN.

    Infinite x have their limits (0 and inf) for beta > 0.
    """
    s, _ = sigmoid_forward(x * beta)
    return _above_minus_inf(x) * s, SiluCache(x, s, beta)


@in_float32
def silu_backward(dy: Array, cache: SiluCache) -> Array:
    """dy: shape of x -> dx."""
    x, s, beta = cache
    return dy * (s + beta * (1 - s) * (_finite(x) * s))  # y = x * s(beta x)


@in_float32
def softplus_forward(x: Array) -> tuple[Array, SoftplusCache]:
    """x: any shape, float -> log(1 + exp(x)), same shape and dtype; NaN stays NaN."""
    xp = xp_of(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(xp.minimum(x, -x))), SoftplusCache(x)


@in_float32
def softplus_backward(dy: Array, cache: SoftplusCache) -> Array:
    """dy: shape of x -> dx."""
    return dy * sigmoid_forward(cache.x)[0]  # y = log(1 + exp(x))


@in_float32
def mish_forward(x: Array) -> tuple[Array, MishCache]:
    """x: any shape, float -> x tanh(softplus(x)), same shape and dtype; NaN stays NaN."""
    xp = xp_of(x)
    t = xp.tanh(softplus_forward(x)[0])
    return _above_minus_inf(x) * t, MishCache(x, t)


@in_float32
def mish_backward(dy: Array, cache: MishCache) -> Array:
    """dy: shape of x -> dx."""
    x, t = _finite(cache.x), cache.t
    dsoftplus = x * (1 - t * t)  # y = x * tanh(softplus)
    return dy * (t + softplus_backward(dsoftplus, SoftplusCache(x)))  # softplus = softplus(x)


def _above_minus_inf(x: Array) -> Array:
    """x, with -inf as the lowest finite number: times 0 that is 0, the limit, where -inf would give NaN."""
    xp = xp_of(x)
    return xp.maximum(x, float(xp.finfo(x.dtype).min))


def _finite(x: Array) -> Array:
    """x, with both infinities as the farthest finite numbers, for the same reason."""
    xp = xp_of(x)
    farthest = float(xp.finfo(x.dtype).max)
    return xp.clip(x, -farthest, farthest)

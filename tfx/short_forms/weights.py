"""From scores to weights in a few lines, and back.  Derivations: ops/basics/softmax.py and its neighbours."""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.ops.basics.normalised_relu import normalised_relu_backward, normalised_relu_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import S, T


def some_scores(rng: np.random.Generator) -> Array:
    return 2 * rng.standard_normal((T, S))


@short_of(softmax_forward, lambda rng: on(softmax_forward, some_scores(rng)))
def softmax(x: Array) -> Array:
    exps = np.exp(x - x.max(-1, keepdims=True))  # (T, S), the largest: 1
    return exps / exps.sum(-1, keepdims=True)  # each row sums to 1


def _softmax_back(rng: np.random.Generator) -> Trial:
    p, cache = softmax_forward(some_scores(rng))
    dp = rng.standard_normal((T, S))
    return Trial((dp, p), softmax_backward(dp, cache))


@short_of(softmax_backward, _softmax_back)
def softmax_gradient(dp: Array, p: Array) -> Array:
    return p * (dp - (dp * p).sum(-1, keepdims=True))  # (T, S) -> (T, S)


def _jacobian(rng: np.random.Generator) -> Trial:
    p, _ = softmax_forward(rng.standard_normal(S))
    return Trial((p,), softmax_jacobian(p))


@short_of(softmax_jacobian, _jacobian)
def jacobian(p: Array) -> Array:
    return np.diag(p) - np.outer(p, p)  # one row of weights: (S,) -> (S, S)


@short_of(sparsemax_forward, lambda rng: on(sparsemax_forward, some_scores(rng)))
def sparsemax(x: Array) -> Array:
    ordered = -np.sort(-x, axis=-1)  # (T, S), the largest first
    sums = ordered.cumsum(-1)
    ranks = np.arange(1, x.shape[-1] + 1)
    k = (1 + ranks * ordered > sums).sum(-1, keepdims=True)  # (T, 1)
    tau = (np.take_along_axis(sums, k - 1, -1) - 1) / k  # (T, 1)
    return np.maximum(x - tau, 0)  # each row sums to 1


def _sparsemax_back(rng: np.random.Generator) -> Trial:
    y, cache = sparsemax_forward(some_scores(rng))
    dy = rng.standard_normal((T, S))
    return Trial((dy, y), sparsemax_backward(dy, cache))


@short_of(sparsemax_backward, _sparsemax_back)
def sparsemax_gradient(dy: Array, y: Array) -> Array:
    support = y > 0  # (T, S), where x is above tau
    k = support.sum(-1, keepdims=True)  # (T, 1)
    mean = (dy * support).sum(-1, keepdims=True) / k  # (T, 1)
    return (dy - mean) * support  # (T, S) -> (T, S)


def _normalised_relu_back(rng: np.random.Generator) -> Trial:
    x, dy = some_scores(rng), rng.standard_normal((T, S))
    _, cache = normalised_relu_forward(x)
    return Trial((dy, x), normalised_relu_backward(dy, cache))


@short_of(normalised_relu_backward, _normalised_relu_back)
def normalised_relu_gradient(dy: Array, x: Array) -> Array:
    r = np.maximum(x, 0)  # (T, S)
    total = r.sum(-1, keepdims=True)  # (T, 1)
    dr = (dy - (dy * r / total).sum(-1, keepdims=True)) / total
    return dr * (x > 0)  # (T, S) -> (T, S)

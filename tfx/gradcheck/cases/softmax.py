"""Softmax, its logarithm and its denominator; the linear map and the product of matrices."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, S, T, some_allowed
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.basics.logsumexp import LogSumExpCache, logsumexp_backward, logsumexp_forward
from tfx.ops.basics.matmul import (
    GemmCache,
    MatmulCache,
    gemm_backward,
    gemm_forward,
    matmul_backward,
    matmul_forward,
)
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward


def softmax(rng: Rng, axis: int = -1, scale: float = 1.0, blocked: bool = False) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    if not blocked:
        return Problem(softmax_forward, softmax_backward, {"x": x}, {"axis": axis})
    allowed = some_allowed(rng, (B, T, S))
    allowed[1, 2] = False
    return Problem(_blocked_softmax_forward, softmax_backward, {"x": x}, {"allowed": allowed})


def _blocked_softmax_forward(x: Any, allowed: Any) -> tuple[Any, Any]:
    return softmax_forward(xp_of(x).where(allowed, x, -math.inf).astype(x.dtype))


def log_softmax(rng: Rng, axis: int = -1, scale: float = 1.0) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    return Problem(log_softmax_forward, log_softmax_backward, {"x": x}, {"axis": axis})


def logsumexp(rng: Rng, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False, scale: float = 1.0) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    return Problem(logsumexp_forward, logsumexp_backward, {"x": x}, {"axis": axis, "keepdims": keepdims})


def matmul(rng: Rng, a: tuple[int, ...], b: tuple[int, ...]) -> Problem:
    return Problem(matmul_forward, matmul_backward, {"a": rng.standard_normal(a), "b": rng.standard_normal(b)})


def gemm(rng: Rng, c: tuple[int, ...] | None = (F,)) -> Problem:
    inputs = {"a": rng.standard_normal((T, C)), "b": rng.standard_normal((C, F))}
    inputs |= {} if c is None else {"c": rng.standard_normal(c)}
    return Problem(gemm_forward, gemm_backward, inputs, {"alpha": 0.7, "beta": -1.3})


def linear(rng: Rng, lead: tuple[int, ...] = (B, T), bias: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((*lead, C)), "w": rng.standard_normal((C, F))}
    if bias:
        inputs["b"] = rng.standard_normal(F)
    return Problem(linear_forward, linear_backward, inputs)


def softmax_without_inner_sum(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * dy


def softmax_sign_flipped(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * (dy + (dy * cache.y).sum(axis=cache.axis, keepdims=True))


def softmax_over_the_wrong_axis(dy: Any, cache: SoftmaxCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(cache.y, 1))


def linear_bias_averaged(dy: Any, cache: LinearCache) -> Any:
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


def linear_weight_transposed(dy: Any, cache: LinearCache) -> Any:
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw.T, db


def log_softmax_without_sum(dy: Any, cache: LogSoftmaxCache) -> Any:
    return dy * (1 - xp_of(cache.y).exp(cache.y))


def log_softmax_log_forgotten(dy: Any, cache: LogSoftmaxCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(xp_of(cache.y).exp(cache.y), cache.axis))


def logsumexp_as_max(dy: Any, cache: LogSumExpCache) -> Any:
    dx = logsumexp_backward(dy, cache)
    return dx * (cache.x == cache.x.max(axis=-1, keepdims=True))


def matmul_transposes_forgotten(dy: Any, cache: MatmulCache) -> Any:
    da, db = matmul_backward(dy, cache)
    return da.swapaxes(-1, -2).reshape(da.shape), db


def matmul_broadcast_not_summed(dy: Any, cache: MatmulCache) -> Any:
    da, _ = matmul_backward(dy, cache)
    return da, (cache.a.swapaxes(-1, -2) @ dy)[0]


def gemm_scales_forgotten(dy: Any, cache: GemmCache) -> Any:
    return gemm_backward(dy, cache._replace(alpha=1.0, beta=1.0))


CASES: tuple[Case, ...] = (
    Case(softmax_backward, "last axis", softmax),
    Case(softmax_backward, "middle axis", partial(softmax, axis=1)),
    Case(softmax_backward, "scores 30 times larger", partial(softmax, scale=30.0)),
    Case(softmax_backward, "blocked entries, one row of them", partial(softmax, blocked=True)),
    Case(log_softmax_backward, "last axis", log_softmax),
    Case(log_softmax_backward, "middle axis", partial(log_softmax, axis=1)),
    Case(log_softmax_backward, "scores 30 times larger", partial(log_softmax, scale=30.0)),
    Case(logsumexp_backward, "last axis", logsumexp),
    Case(logsumexp_backward, "two axes, kept", partial(logsumexp, axis=(0, 2), keepdims=True)),
    Case(logsumexp_backward, "all axes", partial(logsumexp, axis=None)),
    Case(logsumexp_backward, "scores 30 times larger", partial(logsumexp, axis=1, scale=30.0)),
    Case(matmul_backward, "two matrices", partial(matmul, a=(T, C), b=(C, F))),
    Case(matmul_backward, "a matrix for a batch", partial(matmul, a=(B, T, C), b=(C, F))),
    Case(matmul_backward, "both stretched", partial(matmul, a=(B, 1, T, C), b=(3, C, F))),
    Case(matmul_backward, "two vectors", partial(matmul, a=(C,), b=(C,))),
    Case(matmul_backward, "vector times batch", partial(matmul, a=(C,), b=(B, C, F))),
    Case(matmul_backward, "batch times vector", partial(matmul, a=(B, T, C), b=(C,))),
    Case(gemm_backward, "an offset for all rows", gemm),
    Case(gemm_backward, "an offset for all columns", partial(gemm, c=(T, 1))),
    Case(gemm_backward, "one offset", partial(gemm, c=())),
    Case(gemm_backward, "no offset", partial(gemm, c=None)),
    Case(linear_backward, "batch of sequences", linear),
    Case(linear_backward, "no bias", partial(linear, bias=False)),
    Case(linear_backward, "one vector", partial(linear, lead=())),
)

CONTROLS: tuple[Control, ...] = (
    Control("softmax", "the inner sum is missing", softmax_without_inner_sum, softmax),
    Control("softmax", "the inner sum has the wrong sign", softmax_sign_flipped, softmax),
    Control("softmax", "the sum runs over another axis", softmax_over_the_wrong_axis, softmax),
    Control("log_softmax", "the sum over the outputs is missing", log_softmax_without_sum, log_softmax),
    Control("log_softmax", "softmax's backward", log_softmax_log_forgotten, log_softmax),
    Control("logsumexp", "all goes to the largest", logsumexp_as_max, logsumexp),
    Control("matmul", "da is transposed", matmul_transposes_forgotten, partial(matmul, a=(T, C), b=(C, F))),
    Control(
        "matmul",
        "a shared b gets the gradient of the first use",
        matmul_broadcast_not_summed,
        partial(matmul, a=(B, T, C), b=(C, F)),
    ),
    Control("gemm", "alpha and beta are forgotten", gemm_scales_forgotten, gemm),
    Control("linear", "db is a mean instead of a sum", linear_bias_averaged, linear),
    Control("linear", "dW is transposed", linear_weight_transposed, linear),
)

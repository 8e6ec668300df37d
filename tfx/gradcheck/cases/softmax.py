"""Softmax and the linear map."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, S, T, some_allowed
from tfx.ops.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.softmax import SoftmaxCache, softmax_backward, softmax_forward


def softmax(rng: Rng, axis: int = -1, scale: float = 1.0, blocked: bool = False) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    if not blocked:
        return Problem(softmax_forward, softmax_backward, {"x": x}, {"axis": axis})
    allowed = some_allowed(rng, (B, T, S))
    allowed[1, 2] = False
    return Problem(_blocked_softmax_forward, softmax_backward, {"x": x}, {"allowed": allowed})


def _blocked_softmax_forward(x: Any, allowed: Any) -> tuple[Any, Any]:
    return softmax_forward(xp_of(x).where(allowed, x, -math.inf).astype(x.dtype))


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


CASES: tuple[Case, ...] = (
    Case(softmax_backward, "last axis", softmax),
    Case(softmax_backward, "middle axis", partial(softmax, axis=1)),
    Case(softmax_backward, "scores 30 times larger", partial(softmax, scale=30.0)),
    Case(softmax_backward, "blocked entries, one row of them", partial(softmax, blocked=True)),
    Case(linear_backward, "batch of sequences", linear),
    Case(linear_backward, "no bias", partial(linear, bias=False)),
    Case(linear_backward, "one vector", partial(linear, lead=())),
)

CONTROLS: tuple[Control, ...] = (
    Control("softmax", "the inner sum is missing", softmax_without_inner_sum, softmax),
    Control("softmax", "the inner sum has the wrong sign", softmax_sign_flipped, softmax),
    Control("softmax", "the sum runs over another axis", softmax_over_the_wrong_axis, softmax),
    Control("linear", "db is a mean instead of a sum", linear_bias_averaged, linear),
    Control("linear", "dW is transposed", linear_weight_transposed, linear),
)

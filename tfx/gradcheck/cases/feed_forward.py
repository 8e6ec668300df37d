"""Activations and the feed-forward network."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, off_zero
from tfx.ops.activations import (
    ACTIVATIONS,
    GeluCache,
    GeluTanhCache,
    ReluCache,
    gelu_backward,
    gelu_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
    relu_backward,
    relu_forward,
)
from tfx.ops.feed_forward import FeedForwardCache, FeedForwardGrads, feed_forward_backward, feed_forward_forward
from tfx.ops.linear import linear_backward, linear_forward


def activation(rng: Rng, forward: Callable[..., Any], backward: Callable[..., Any], scale: float = 1.0) -> Problem:
    return Problem(forward, backward, {"x": off_zero(scale * rng.standard_normal((B, T, C)))})


def feed_forward(rng: Rng, name: str, bias: bool = True) -> Problem:
    """Small, because it is drawn again until no unit of a relu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    while True:
        x, w1, w2 = (rng.standard_normal(shape) for shape in ((*lead, width), (width, hidden), (hidden, width)))
        b1, b2 = (rng.standard_normal(hidden), rng.standard_normal(width)) if bias else (None, None)
        if name != "relu" or np.abs(linear_forward(x, w1, b1)[0]).min() > 0.1:
            break
    inputs = {"x": x, "w1": w1, "w2": w2} | ({"b1": b1, "b2": b2} if bias else {})
    fixed: dict[str, Any] = {"activation": name} | ({} if bias else {"b1": None, "b2": None})
    return Problem(feed_forward_forward, feed_forward_backward, inputs, fixed)


def relu_always_on(dy: Any, cache: ReluCache) -> Any:
    return dy


def gelu_without_density(dy: Any, cache: GeluCache) -> Any:
    return dy * cache.cdf


def gelu_with_tanh_derivative(dy: Any, cache: GeluCache) -> Any:
    forward, backward = ACTIVATIONS["gelu_tanh"]
    return backward(dy, forward(cache.x)[1])


def gelu_tanh_cubic_factor_forgotten(dy: Any, cache: GeluTanhCache) -> Any:
    x, t = cache.x, cache.t
    du = math.sqrt(2 / math.pi) * (1 + 0.044715 * x * x)
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du)


def feed_forward_activation_skipped(dy: Any, cache: FeedForwardCache) -> FeedForwardGrads:
    dhidden, dw2, db2 = linear_backward(dy, cache.second)
    dx, dw1, db1 = linear_backward(dhidden, cache.first)
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)


def _activation_problem(name: str) -> Callable[[Rng], Problem]:
    forward, backward = ACTIVATIONS[name]
    return partial(activation, forward=forward, backward=backward)


CASES: tuple[Case, ...] = (
    Case(relu_backward, "away from 0", partial(activation, forward=relu_forward, backward=relu_backward)),
    Case(gelu_backward, "around 0", partial(activation, forward=gelu_forward, backward=gelu_backward)),
    Case(gelu_backward, "wide", partial(activation, forward=gelu_forward, backward=gelu_backward, scale=3.0)),
    Case(gelu_tanh_backward, "around 0", partial(activation, forward=gelu_tanh_forward, backward=gelu_tanh_backward)),
    Case(
        gelu_tanh_backward,
        "wide",
        partial(activation, forward=gelu_tanh_forward, backward=gelu_tanh_backward, scale=3.0),
    ),
    Case(feed_forward_backward, "gelu", partial(feed_forward, name="gelu")),
    Case(feed_forward_backward, "gelu_tanh", partial(feed_forward, name="gelu_tanh")),
    Case(feed_forward_backward, "relu", partial(feed_forward, name="relu")),
    Case(feed_forward_backward, "no bias", partial(feed_forward, name="gelu", bias=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("relu", "negative inputs get a gradient", relu_always_on, _activation_problem("relu")),
    Control("gelu", "x phi(x) is missing", gelu_without_density, _activation_problem("gelu")),
    Control("gelu", "the derivative of the tanh form", gelu_with_tanh_derivative, _activation_problem("gelu")),
    Control(
        "gelu_tanh",
        "the 3 of the cubic term is lost",
        gelu_tanh_cubic_factor_forgotten,
        _activation_problem("gelu_tanh"),
    ),
    Control(
        "feed_forward",
        "the activation is not undone",
        feed_forward_activation_skipped,
        partial(feed_forward, name="gelu"),
    ),
)

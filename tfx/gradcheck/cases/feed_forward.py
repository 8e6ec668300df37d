"""Activations and the feed-forward network."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, off_zero
from tfx.ops.activations import ACTIVATIONS, GeluCache, GeluTanhCache, ReluCache
from tfx.ops.feed_forward import FeedForwardCache, FeedForwardGrads, feed_forward_backward, feed_forward_forward
from tfx.ops.linear import linear_backward, linear_forward
from tfx.ops.sigmoid import MishCache, SigmoidCache, SiluCache, TanhCache, silu_backward, silu_forward


def activation(rng: Rng, name: str, scale: float = 1.0) -> Problem:
    forward, backward = ACTIVATIONS[name]
    return Problem(forward, backward, {"x": off_zero(scale * rng.standard_normal((B, T, C)))})


def swish(rng: Rng, beta: float) -> Problem:
    return Problem(silu_forward, silu_backward, {"x": 2.0 * rng.standard_normal((B, T, C))}, {"beta": beta})


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


def sigmoid_of_x_again(dy: Any, cache: SigmoidCache) -> Any:
    """s(x) (1 - s(x)) applied to what is the output already."""
    y, _ = ACTIVATIONS["sigmoid"][0](cache.y)
    return dy * y * (1 - y)


def tanh_not_squared(dy: Any, cache: TanhCache) -> Any:
    return dy * (1 - cache.y)


def silu_gate_is_constant(dy: Any, cache: SiluCache) -> Any:
    return dy * cache.s


def swish_beta_forgotten(dy: Any, cache: SiluCache) -> Any:
    return silu_backward(dy, cache._replace(beta=1.0))


def softplus_step(dy: Any, cache: Any) -> Any:
    """relu's slope."""
    return dy * (cache.x > 0)


def mish_without_softplus(dy: Any, cache: MishCache) -> Any:
    return dy * (cache.t + cache.x * (1 - cache.t * cache.t))


def identity_twice(dy: Any, cache: Any) -> Any:
    return 2 * dy


CASES: tuple[Case, ...] = (
    *(Case(backward, "around 0", partial(activation, name=name)) for name, (_, backward) in ACTIVATIONS.items()),
    *(
        Case(backward, "wide", partial(activation, name=name, scale=3.0))
        for name, (_, backward) in ACTIVATIONS.items()
        if name not in ("relu", "identity")
    ),
    Case(silu_backward, "Swish, beta 1.7", partial(swish, beta=1.7)),
    Case(silu_backward, "Swish, beta -0.6", partial(swish, beta=-0.6)),
    Case(feed_forward_backward, "gelu", partial(feed_forward, name="gelu")),
    Case(feed_forward_backward, "gelu_tanh", partial(feed_forward, name="gelu_tanh")),
    Case(feed_forward_backward, "relu", partial(feed_forward, name="relu")),
    Case(feed_forward_backward, "no bias", partial(feed_forward, name="gelu", bias=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("relu", "negative inputs get a gradient", relu_always_on, partial(activation, name="relu")),
    Control("gelu", "x phi(x) is missing", gelu_without_density, partial(activation, name="gelu")),
    Control("gelu", "the derivative of the tanh form", gelu_with_tanh_derivative, partial(activation, name="gelu")),
    Control(
        "gelu_tanh",
        "the 3 of the cubic term is lost",
        gelu_tanh_cubic_factor_forgotten,
        partial(activation, name="gelu_tanh"),
    ),
    Control("sigmoid", "the sigmoid is applied twice", sigmoid_of_x_again, partial(activation, name="sigmoid")),
    Control("tanh", "1 - y instead of 1 - y^2", tanh_not_squared, partial(activation, name="tanh")),
    Control("silu", "the gate is taken for a constant", silu_gate_is_constant, partial(activation, name="silu")),
    Control("silu", "beta is forgotten", swish_beta_forgotten, partial(swish, beta=1.7)),
    Control("softplus", "a step instead of a sigmoid", softplus_step, partial(activation, name="softplus")),
    Control("mish", "the softplus is not undone", mish_without_softplus, partial(activation, name="mish")),
    Control("identity", "the slope is 2", identity_twice, partial(activation, name="identity")),
    Control(
        "feed_forward",
        "the activation is not undone",
        feed_forward_activation_skipped,
        partial(feed_forward, name="gelu"),
    ),
)

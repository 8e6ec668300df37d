"""Known mistakes in tfx/ops/feed_forward/activations.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.activations import activation
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.activations import ACTIVATIONS, GeluCache, GeluTanhCache, ReluCache


def relu_always_on(dy: Any, cache: ReluCache) -> Any:
    return dy


def gelu_without_density(dy: Any, cache: GeluCache) -> Any:
    return dy * cache.cdf


def gelu_with_tanh_derivative(dy: Any, cache: GeluCache) -> Any:
    forward, backward = ACTIVATIONS["gelu_tanh"]
    return backward(dy, forward(cache.x)[1])


def gelu_tanh_cubic_factor_forgotten(dy: Any, cache: GeluTanhCache) -> Any:
    x, s = cache
    du = math.sqrt(2 / math.pi) * (1 + 0.044715 * x * x)
    return dy * (s + x * s * (1 - s) * 2 * du)


def identity_twice(dy: Any, cache: Any) -> Any:
    return 2 * dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="relu",
        name="always-on",
        says="negative inputs get a gradient",
        why="The gradient is passed on as if the function were the identity.",
        hint="What is the output for an input of -1, and for one of -1.1?",
        problem=partial(activation, name="relu"),
        wrong_backward=relu_always_on,
    ),
    Mistake(
        op="gelu",
        name="density-missing",
        says="x phi(x) is missing",
        why="x Phi(x) is read as x times a weight, and only the x is differentiated.",
        hint="The function is a product; how many terms does the product rule give?",
        problem=partial(activation, name="gelu"),
        wrong_backward=gelu_without_density,
    ),
    Mistake(
        op="gelu",
        name="derivative-of-the-approximation",
        says="the derivative of the tanh form",
        why="Both forms are called GELU, and their graphs cannot be told apart by eye.",
        hint="Which of the two forms did the forward pass compute?",
        problem=partial(activation, name="gelu"),
        wrong_backward=gelu_with_tanh_derivative,
    ),
    Mistake(
        op="gelu_tanh",
        name="cubic-factor-lost",
        says="the 3 of the cubic term is lost",
        why="The argument of the tanh is differentiated in a hurry, and a power loses its factor.",
        hint="Differentiate the argument of the tanh term by term.",
        problem=partial(activation, name="gelu_tanh"),
        wrong_backward=gelu_tanh_cubic_factor_forgotten,
    ),
    Mistake(
        op="identity",
        name="slope-of-two",
        says="the slope is 2",
        why="A factor has slipped in where there is nothing to do, and nobody looks for it there.",
        hint="What should come back from an operation that does nothing?",
        problem=partial(activation, name="identity"),
        wrong_backward=identity_twice,
    ),
)

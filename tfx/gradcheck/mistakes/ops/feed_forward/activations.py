"""Known mistakes in tfx/ops/feed_forward/activations.py."""

from __future__ import annotations

import math
from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.activations import activation
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.activations import ACTIVATIONS, GeluCache, GeluTanhCache, ReluCache


@wrong_backward(activation, op="relu", name="relu")
def always_on(dy: Any, cache: ReluCache) -> Any:
    """Negative inputs get a gradient.

    Why: Where the ReLU is on it changes nothing, so its derivative seems to be 1 everywhere.
    Hint: What is the output for an input of -1, and for one of -1.1?
    """
    return dy


@wrong_backward(activation, op="gelu", name="gelu")
def density_missing(dy: Any, cache: GeluCache) -> Any:
    """x phi(x) is missing.

    Why: x Phi(x) is read as x times a weight, and only the x is differentiated.
    Hint: The function is a product; how many terms does the product rule give?
    """
    return dy * cache.cdf


@wrong_backward(activation, op="gelu", name="gelu")
def derivative_of_the_approximation(dy: Any, cache: GeluCache) -> Any:
    """The derivative of the tanh form.

    Why: Both forms are called GELU, and their graphs cannot be told apart by eye.
    Hint: Which of the two forms did the forward pass compute?
    """
    forward, backward = ACTIVATIONS["gelu_tanh"]
    return backward(dy, forward(cache.x)[1])


@wrong_backward(activation, op="gelu_tanh", name="gelu_tanh")
def cubic_factor_lost(dy: Any, cache: GeluTanhCache) -> Any:
    """The 3 of the cubic term is lost.

    Why: The argument is often written x (1 + 0.044715 x^2), and the bracket is taken for its derivative.
    Hint: Differentiate the argument of the tanh term by term.
    """
    x, s = cache
    du = math.sqrt(2 / math.pi) * (1 + 0.044715 * x * x)
    return dy * (s + x * s * (1 - s) * 2 * du)


@wrong_backward(activation, op="identity", name="identity")
def slope_of_two(dy: Any, cache: Any) -> Any:
    """The slope is 2.

    Why: `dx = dy` makes no copy, so a `dx += dy` that follows adds dy to itself.
    Hint: What should come back from an operation that does nothing?
    """
    return 2 * dy

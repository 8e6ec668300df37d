"""Two maps with an activation in between: y = second(activation(first(x))).

nn/feed_forward.py does the same with two full matrices in one operation; here the maps may be any layers.

Derivation.  Three functions in a row: dy goes back through the second map, the activation and the first map.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.params import Layer


class TwoMapsCache(NamedTuple):
    first: Any
    activation: Any
    second: Any


class TwoMaps(Layer):
    """Owns first and second: layers with forward(x) and backward(dy, cache).  activation: a name in ACTIVATIONS."""

    def __init__(self, first: Any, activation: str, second: Any) -> None:
        self.activation = activation
        self.first, self.second = first, second

    def forward(self, x: Array) -> tuple[Array, TwoMapsCache]:
        """x: (..., C) -> y: (..., what the second map makes), every place on its own."""
        before, first = self.first.forward(x)
        hidden, activation = ACTIVATIONS[self.activation][0](before)
        y, second = self.second.forward(hidden)
        return y, TwoMapsCache(first, activation, second)

    def backward(self, dy: Array, cache: TwoMapsCache) -> Array:
        """dy: shape of y -> dx: (..., C)."""
        dhidden = self.second.backward(dy, cache.second)  # y = second(hidden)
        dbefore = ACTIVATIONS[self.activation][1](dhidden, cache.activation)  # hidden = activation(before)
        return self.first.backward(dbefore, cache.first)  # before = first(x)

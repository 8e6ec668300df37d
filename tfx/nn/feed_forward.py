"""The position-wise feed-forward network."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.linear import Linear
from tfx.ops.activations import ACTIVATIONS
from tfx.ops.feed_forward import FeedForwardCache, feed_forward_backward, feed_forward_forward
from tfx.params import Layer


class FeedForward(Layer):
    """Owns first: Linear(C, F) and second: Linear(F, C), with an activation in between."""

    def __init__(
        self,
        width: int,
        d_ff: int,
        rng: np.random.Generator,
        activation: str = "gelu",
        dtype: Any = "float32",
        bias: bool = True,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}")
        self.activation = activation
        self.first = Linear(width, d_ff, rng, bias, dtype)
        self.second = Linear(d_ff, width, rng, bias, dtype)

    def forward(self, x: Array) -> tuple[Array, FeedForwardCache]:
        """x: (..., C) -> y: (..., C), every place on its own."""
        return feed_forward_forward(
            x,
            self.first.w.value,
            None if self.first.b is None else self.first.b.value,
            self.second.w.value,
            None if self.second.b is None else self.second.b.value,
            self.activation,
        )

    def backward(self, dy: Array, cache: FeedForwardCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        grads = feed_forward_backward(dy, cache)
        for layer, dw, db in ((self.first, grads.dw1, grads.db1), (self.second, grads.dw2, grads.db2)):
            layer.w.grad += dw
            if layer.b is not None:
                layer.b.grad += db
        return grads.dx

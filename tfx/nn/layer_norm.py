"""Layer normalisation with its gain and offset."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward, layer_norm_forward
from tfx.params import Layer, Parameter


class LayerNorm(Layer):
    """Owns gamma: (C,), ones, and beta: (C,), zeros (None without bias): at first it only normalises."""

    def __init__(self, width: int, dtype: Any = "float32", eps: float = 1e-5, bias: bool = True) -> None:
        self.gamma = Parameter(np.ones(width, dtype=dtype))
        self.beta = Parameter(np.zeros(width, dtype=dtype)) if bias else None
        self.eps = eps

    def forward(self, x: Array) -> tuple[Array, LayerNormCache]:
        """x: (..., C) -> y: (..., C)."""
        return layer_norm_forward(x, self.gamma.value, None if self.beta is None else self.beta.value, self.eps)

    def backward(self, dy: Array, cache: LayerNormCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dx, dgamma, dbeta = layer_norm_backward(dy, cache)
        self.gamma.grad += dgamma
        if self.beta is not None:
            self.beta.grad += dbeta
        return dx

"""ScaleNorm with its one length."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.norms.scale_norm import ScaleNormCache, scale_norm_backward, scale_norm_forward
from tfx.params import Layer, Parameter


class ScaleNorm(Layer):
    """Owns g: one number, at first sqrt(C)."""

    def __init__(self, width: int, dtype: Any = "float32", eps: float = 1e-5) -> None:
        self.g = Parameter(np.array(math.sqrt(width), dtype=dtype))
        self.eps = eps

    def forward(self, x: Array) -> tuple[Array, ScaleNormCache]:
        """x: (..., C) -> y: (..., C)."""
        return scale_norm_forward(x, self.g.value, self.eps)

    def backward(self, dy: Array, cache: ScaleNormCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dx, dg = scale_norm_backward(dy, cache)
        self.g.grad += dg
        return dx

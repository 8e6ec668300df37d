"""RMS normalisation with its gain."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.norms.rms_norm import RmsNormCache, rms_norm_backward, rms_norm_forward
from tfx.params import Layer, Parameter


class RMSNorm(Layer):
    """Owns gamma: (C,), ones.  There is no offset: what is not centred needs none."""

    def __init__(self, width: int, dtype: Any = "float32", eps: float = 1e-5) -> None:
        self.gamma = Parameter(np.ones(width, dtype=dtype))
        self.eps = eps

    def forward(self, x: Array) -> tuple[Array, RmsNormCache]:
        """x: (..., C) -> y: (..., C)."""
        return rms_norm_forward(x, self.gamma.value, self.eps)

    def backward(self, dy: Array, cache: RmsNormCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dx, dgamma = rms_norm_backward(dy, cache)
        self.gamma.grad += dgamma
        return dx

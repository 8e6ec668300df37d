"""A linear layer: y = x W + b."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.nn.init import Initialisation, find_initialisation
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.params import Layer, Parameter


class Linear(Layer):
    """Owns w: (I, J), as `init` draws it (nn/init.py), and b: (J,), zero (None without bias).

    Raises ValueError or TypeError unless I and J are whole numbers above 0.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        rng: np.random.Generator,
        bias: bool = True,
        dtype: Any = "float32",
        init: str | Initialisation = "xavier_uniform",
    ) -> None:
        whole_number("the width that a linear map reads", width_in, 1)
        whole_number("the width that a linear map makes", width_out, 1)
        self.w = Parameter(find_initialisation(init)(rng, width_in, width_out, dtype))
        self.b = Parameter(np.zeros(width_out, dtype=dtype)) if bias else None

    def forward(self, x: Array) -> tuple[Array, LinearCache]:
        """x: (..., I) -> y: (..., J)."""
        return linear_forward(x, self.w.value, None if self.b is None else self.b.value)

    def backward(self, dy: Array, cache: LinearCache) -> Array:
        """dy: (..., J) -> dx: (..., I)."""
        dx, dw, db = linear_backward(dy, cache)
        self.w.grad += dw
        if self.b is not None:
            self.b.grad += db
        return dx

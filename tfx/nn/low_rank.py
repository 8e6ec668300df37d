"""Linear maps of low rank, and the feed-forward network made of two of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.feed_forward import FeedForwardSettings, check_activation
from tfx.nn.init import Initialisation, find_initialisation
from tfx.nn.two_maps import TwoMaps
from tfx.ops.low_rank.low_rank_linear import LowRankLinearCache, low_rank_linear_backward, low_rank_linear_forward
from tfx.params import Layer, Parameter


class LowRankLinear(Layer):
    """Owns u: (I, R) and v: (R, J), as `init` draws them, and b: (J,), zero (None without bias): y = x u v + b."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        rank: int,
        rng: np.random.Generator,
        bias: bool = True,
        dtype: Any = "float32",
        init: str | Initialisation = "xavier_uniform",
    ) -> None:
        if not 1 <= rank <= min(width_in, width_out):
            raise ValueError(f"a matrix ({width_in}, {width_out}) cannot have rank {rank}")
        draw = find_initialisation(init)
        self.u = Parameter(draw(rng, width_in, rank, dtype))
        self.v = Parameter(draw(rng, rank, width_out, dtype))
        self.b = Parameter(np.zeros(width_out, dtype=dtype)) if bias else None

    def forward(self, x: Array) -> tuple[Array, LowRankLinearCache]:
        """x: (..., I) -> y: (..., J)."""
        return low_rank_linear_forward(x, self.u.value, self.v.value, None if self.b is None else self.b.value)

    def backward(self, dy: Array, cache: LowRankLinearCache) -> Array:
        """dy: (..., J) -> dx: (..., I)."""
        dx, du, dv, db = low_rank_linear_backward(dy, cache)
        self.u.grad += du
        self.v.grad += dv
        if self.b is not None:
            self.b.grad += db
        return dx


class LowRankFeedForward(TwoMaps):
    """Owns first: LowRankLinear(C, F) and second: LowRankLinear(F, C), with an activation in between."""

    def __init__(self, settings: FeedForwardSettings, rank: int, rng: np.random.Generator) -> None:
        check_activation(settings.activation, gated=False)
        width, d_ff, alike = settings.d_model, settings.d_ff, (settings.bias, settings.dtype)
        first = LowRankLinear(width, d_ff, rank, rng, *alike)
        super().__init__(first, settings.activation, LowRankLinear(d_ff, width, rank, rng, *alike))

"""A convolution along a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.init import Initialisation, find_initialisation
from tfx.ops.grids.causal_convolution import (
    CausalConvolutionCache,
    causal_convolution_backward,
    causal_convolution_forward,
)
from tfx.ops.grids.convolution import ConvolutionCache, convolution_backward, convolution_forward
from tfx.params import Layer, Parameter


class Convolution1d(Layer):
    """Owns w: (Cout, Cin / groups, K), drawn by `init` as the matrix (Cin / groups * K, Cout), and b: (Cout,), zero.

    padding: "causal" (place t sees t and before), "same" (both sides) or "valid" (only where the kernel fits, so the
    sequence gets shorter).  groups = Cin is a depthwise convolution.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        kernel: int,
        rng: np.random.Generator,
        padding: str = "causal",
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: Any = "float32",
        init: str | Initialisation = "xavier_uniform",
    ) -> None:
        if groups < 1 or width_in % groups or width_out % groups:
            raise ValueError(f"widths {width_in} and {width_out} cannot be cut into {groups} groups")
        drawn = find_initialisation(init)(rng, width_in // groups * kernel, width_out, dtype)
        self.w = Parameter(np.ascontiguousarray(drawn.T).reshape(width_out, width_in // groups, kernel))
        self.b = Parameter(np.zeros(width_out, dtype=dtype)) if bias else None
        self.padding = padding
        self.dilation = dilation
        self.groups = groups

    def forward(self, x: Array, state: Array | None = None) -> tuple[Array, CausalConvolutionCache | ConvolutionCache]:
        """x: (B, T, Cin) -> y: (B, T, Cout), or shorter if "valid".

        state: only "causal", the cache.state of the chunk before, (B, Cin, (K - 1) dilation); None at the start.
        """
        b = None if self.b is None else self.b.value
        cache: CausalConvolutionCache | ConvolutionCache
        if self.padding == "causal":
            y, cache = causal_convolution_forward(
                _channels_first(x), self.w.value, b, state, self.dilation, self.groups
            )
        elif state is None:
            y, cache = convolution_forward(
                _channels_first(x), self.w.value, b, 1, self.padding, self.dilation, self.groups
            )
        else:
            raise ValueError(f'a convolution with padding "{self.padding}" has no state, only "causal" has')
        return _channels_last(y), cache

    def backward(self, dy: Array, cache: CausalConvolutionCache | ConvolutionCache) -> Array:
        """dy: (B, T, Cout) -> dx: (B, T, Cin).  A state that came in counts as a constant."""
        dy = _channels_first(dy)
        if isinstance(cache, CausalConvolutionCache):
            dx, dw, db, _ = causal_convolution_backward(dy, cache)
        else:
            dx, dw, db = convolution_backward(dy, cache)
        self.w.grad += dw
        if self.b is not None:
            self.b.grad += db
        return _channels_last(dx)


def _channels_first(x: Array) -> Array:
    return x.swapaxes(1, 2)


def _channels_last(y: Array) -> Array:
    """Contiguous, because what follows works token by token."""
    return xp_of(y).ascontiguousarray(y.swapaxes(1, 2))

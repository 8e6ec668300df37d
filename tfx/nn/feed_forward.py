"""The position-wise feed-forward network, plain or gated."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.nn.init import Initialisation, Rng
from tfx.nn.linear import Linear
from tfx.nn.settings import Settings, size
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.feed_forward import FeedForwardCache, feed_forward_backward, feed_forward_forward
from tfx.ops.feed_forward.gated import GATES
from tfx.ops.feed_forward.gated_feed_forward import (
    GatedFeedForwardCache,
    gated_feed_forward_backward,
    gated_feed_forward_forward,
)
from tfx.params import Layer


@dataclass(frozen=True)
class FeedForwardSettings(Settings):
    """The sizes of one network, or of each of several: d_model C, d_ff F."""

    d_model: int = size(64)
    d_ff: int = size(256)
    _: KW_ONLY
    activation: str = "gelu"
    bias: bool = True
    dtype: str = "float32"

    def check(self) -> None:
        check_activation(self.activation)


class FeedForward(Layer):
    """Owns first: Linear(C, F) and second: Linear(F, C), with an activation in between.

    activation: a name in ops.activations.ACTIVATIONS, or a gated unit: "glu", "bilinear", "reglu", "geglu",
    "geglu_tanh", "swiglu".
    A gated unit has a third map, gate: Linear(C, F), and y = second(activation(gate(x)) * first(x)).  Two thirds of the
    usual d_ff keep the number of parameters: `gated_width(d_ff)`.
    """

    def __init__(
        self,
        width: int,
        d_ff: int,
        rng: np.random.Generator,
        activation: str = "gelu",
        dtype: Any = "float32",
        bias: bool = True,
        init: str | Initialisation = "xavier_uniform",
    ) -> None:
        check_activation(activation)
        whole_number("d_ff", d_ff, 1)
        self.activation = activation
        self.first = Linear(width, d_ff, rng, bias, dtype, init)
        self.gate = Linear(width, d_ff, rng, bias, dtype, init) if activation in GATES else None
        self.second = Linear(d_ff, width, rng, bias, dtype, init)

    def forward(
        self, x: Array, rng: Any = None, keep: Array | None = None
    ) -> tuple[Array, FeedForwardCache | GatedFeedForwardCache]:
        """x: (..., C) -> y: (..., C), every place on its own.

        rng and keep are for a mixture of experts, which may stand in the same place; one network needs neither.
        """
        first, second = _values(self.first), _values(self.second)
        if self.gate is not None:
            return gated_feed_forward_forward(x, *_values(self.gate), *first, *second, self.activation)
        return feed_forward_forward(x, *first, *second, self.activation)

    def backward(self, dy: Array, cache: FeedForwardCache | GatedFeedForwardCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        if isinstance(cache, GatedFeedForwardCache):
            gated = gated_feed_forward_backward(dy, cache)
            _add(self.gate, gated.dw_gate, gated.db_gate)
            _add(self.first, gated.dw_up, gated.db_up)
            _add(self.second, gated.dw_down, gated.db_down)
            return gated.dx
        grads = feed_forward_backward(dy, cache)
        _add(self.first, grads.dw1, grads.db1)
        _add(self.second, grads.dw2, grads.db2)
        return grads.dx


def feed_forward_of(settings: Any, rng: Rng) -> FeedForward:
    """The network of these settings: FeedForwardSettings, or those of a block."""
    alike = (settings.activation, settings.dtype, settings.bias)
    return FeedForward(settings.d_model, settings.d_ff, rng, *alike)


def check_activation(activation: str, gated: bool = True) -> None:
    """Raises ValueError for a name that is no activation, nor a gated unit where those are allowed."""
    known = (*ACTIVATIONS, *GATES) if gated else tuple(ACTIVATIONS)
    if activation not in known:
        raise ValueError(f"activation must be one of {', '.join(known)}, not {activation!r}")


def gated_width(d_ff: int, multiple: int = 1) -> int:
    """2/3 of d_ff: three matrices of that width have as many parameters as two of width d_ff.

    Rounded to the nearest multiple of `multiple` (LLaMA rounds up, to one of 256), at least one multiple.
    """
    return multiple * max(1, round(2 * d_ff / (3 * multiple)))


def _values(layer: Linear) -> tuple[Array, Array | None]:
    return layer.w.value, None if layer.b is None else layer.b.value


def _add(layer: Any, dw: Array, db: Array | None) -> None:
    layer.w.grad += dw
    if layer.b is not None:
        layer.b.grad += db

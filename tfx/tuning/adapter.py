"""Adapters: a small bottleneck network after each sub-layer, learnt while everything around it stays.

    f' = f + W_up activation(W_down f + b_down) + b_up        C -> M -> C, M much smaller than C

f is what attention, or the feed-forward network, gives to the residual sum.  W_up starts at zero, so that f' = f at
first, and the model begins as what it was; the paper starts both maps close to zero.  Each adapter has 2 M C + M + C
parameters.  It adds two thin products to every sub-layer, also when the model is used: unlike a low-rank update it
bends, and so it cannot be merged away.

Derivation.  f is read twice, by the sum and by the network: df = df' + network_backward(df').
Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", section 2.1 and figure 2.  The paper
also tunes the gains and offsets of the norms: Part(model, lambda name: ".adapter." in name or "norm" in name).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.feed_forward import FeedForward
from tfx.params import Layer, walk
from tfx.tuning.part import Chosen
from tfx.tuning.places import Around, AroundCache, Place, places_of


class Adapter(Layer):
    """Owns network: FeedForward(C, M), whose second map starts at zero.  Raises ValueError for M < 1."""

    def __init__(
        self, width: int, bottleneck: int, rng: np.random.Generator, activation: str = "gelu", dtype: Any = "float32"
    ) -> None:
        if bottleneck < 1:
            raise ValueError(f"an adapter needs a width of at least 1, not {bottleneck}")
        self.network = FeedForward(width, bottleneck, rng, activation, dtype)
        self.network.second.w.value[...] = 0

    def forward(self, f: Array) -> tuple[Array, Any]:
        """f: (..., C) -> f': (..., C)."""
        change, cache = self.network.forward(f)
        return f + change, cache

    def backward(self, dy: Array, cache: Any) -> Array:
        """dy: (..., C) -> df: (..., C)."""
        return dy + self.network.backward(dy, cache)  # y = f + network(f)


class Adapted(Layer):
    """A sub-layer and the adapter behind it.  Called as that sub-layer is called."""

    def __init__(self, layer: Any, adapter: Adapter) -> None:
        self.layer = layer
        self.adapter = adapter

    def forward(self, *inputs: Any, **named: Any) -> tuple[Array, AroundCache]:
        """What the sub-layer takes -> y: (B, T, C)."""
        f, cache = self.layer.forward(*inputs, **named)
        y, adapter = self.adapter.forward(f)
        return y, AroundCache(cache, adapter)

    def backward(self, dy: Array, cache: AroundCache, *further: Any) -> Any:
        """dy: (B, T, C) -> what the sub-layer's backward returns."""
        df = self.adapter.backward(dy, cache.own)  # y = adapter(f)
        return self.layer.backward(df, cache.layer, *further)  # f = layer(...)


class Adapters(Around):
    """The parameters of all adapters in a model."""

    def __init__(self, model: Layer, places: list[Place], adapted: list[Adapted]) -> None:
        super().__init__(model, places, adapted, [p for layer in adapted for p in layer.adapter.parameters().values()])


def add_adapters(
    model: Layer, bottleneck: int, rng: np.random.Generator, activation: str = "gelu", chosen: Chosen | None = None
) -> Adapters:
    """Puts an adapter behind every attention and every feed-forward network whose dotted name is chosen: all unless
    told.  The outputs do not change by a bit.

    Raises ValueError when there is no such sub-layer, or when the model has adapters already.
    """
    if next(walk(model, Adapter), None) is not None:
        raise ValueError("this model has adapters already; remove them first")
    places = places_of(model, (MultiHeadAttention, FeedForward), chosen)
    adapted = []
    for place in places:
        last = place.layer.output if isinstance(place.layer, MultiHeadAttention) else place.layer.second
        width, dtype = last.w.shape[-1], last.w.value.dtype
        adapted.append(Adapted(place.layer, Adapter(width, bottleneck, rng, activation, dtype)))
    return Adapters(model, places, adapted)

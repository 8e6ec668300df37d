"""BERT's pooler with its map: what the first token says about the whole sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.init import xavier_uniform
from tfx.ops.feed_forward.pooler import PoolerCache, pooler_backward, pooler_forward
from tfx.params import Layer, Parameter


class Pooler(Layer):
    """Owns w: (C, C), Xavier, and b: (C,), zero."""

    def __init__(self, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        self.w = Parameter(xavier_uniform(rng, width, width, dtype))
        self.b = Parameter(np.zeros(width, dtype=dtype))

    def forward(self, hidden: Array) -> tuple[Array, PoolerCache]:
        """hidden: (B, T, C) -> pooled: (B, C)."""
        return pooler_forward(hidden, self.w.value, self.b.value)

    def backward(self, dpooled: Array, cache: PoolerCache) -> Array:
        """dpooled: (B, C) -> dhidden: (B, T, C), 0 after the first token."""
        grads = pooler_backward(dpooled, cache)
        self.w.grad += grads.dw
        self.b.grad += grads.db
        return grads.dhidden

"""From hidden states to logits over the vocabulary: a linear map, or the embedding table once more."""

from __future__ import annotations

from typing import Any

from tfx.backend import Array
from tfx.nn.embedding import Embedding
from tfx.nn.init import Rng
from tfx.nn.linear import Linear
from tfx.ops.basics.embedding import TiedLogitsCache
from tfx.ops.basics.linear import LinearCache
from tfx.params import Layer


class TokenOutput(Layer):
    """tied: owns nothing and reads `embedding`; otherwise owns linear: Linear(C, V).  scale: of x, before the map."""

    def __init__(
        self, embedding: Embedding, vocab: int, tied: bool, rng: Rng, dtype: Any = "float32", scale: float = 1.0
    ) -> None:
        rows, width = embedding.table.shape
        if tied and rows != vocab:
            raise ValueError(f"an output over {vocab} classes cannot share an embedding of {rows} rows")
        self.embedding = embedding if tied else None
        self.linear = None if tied else Linear(width, vocab, rng, dtype=dtype)
        self.scale = scale

    def forward(self, x: Array) -> tuple[Array, TiedLogitsCache | LinearCache]:
        """x: (..., C) -> logits: (..., V)."""
        x = x if self.scale == 1.0 else x * self.scale
        if self.embedding is not None:
            return self.embedding.logits(x)
        assert self.linear is not None
        return self.linear.forward(x)

    def backward(self, dlogits: Array, cache: TiedLogitsCache | LinearCache | None) -> Array:
        """dlogits: (..., V) -> dx: (..., C).  Raises ValueError without a cache: then no logits were computed."""
        if isinstance(cache, TiedLogitsCache) and self.embedding is not None:
            dx = self.embedding.logits_backward(dlogits, cache)
        elif isinstance(cache, LinearCache) and self.linear is not None:
            dx = self.linear.backward(dlogits, cache)
        else:
            raise ValueError("this cache holds no logits of this layer; call forward, not encode, before backward")
        return dx if self.scale == 1.0 else dx * self.scale

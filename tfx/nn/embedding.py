"""Token embeddings, and the same table read the other way round as output layer."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.nn.init import Initialisation, find_initialisation
from tfx.ops.basics.embedding import (
    EmbeddingCache,
    TiedLogitsCache,
    embedding_backward,
    embedding_forward,
    tied_logits_backward,
    tied_logits_forward,
)
from tfx.params import Layer, Parameter


class ScaledEmbeddingCache(NamedTuple):
    lookup: EmbeddingCache
    scale: float


class Embedding(Layer):
    """Owns table: (V, C), as `init` draws it (nn/init.py).

    scaled: look-ups are multiplied by sqrt(C) (Vaswani et al. 2017, section 3.4), so that rows of length 1, which suit
    the logits, enter the model with variance 1 and positions do not drown them.  GPT, BERT and T5 look up bare rows.
    Logits are never scaled.  Look-up and logits add to the gradient of the one table, so tied weights (Press and Wolf
    2017, "Using the Output Embedding to Improve Language Models") need nothing further.
    Raises ValueError or TypeError unless V and C are whole numbers above 0.
    """

    def __init__(
        self,
        vocab: int,
        width: int,
        rng: np.random.Generator,
        dtype: Any = "float32",
        scaled: bool = True,
        init: str | Initialisation = "embedding_normal",
    ) -> None:
        whole_number("vocab", vocab, 1)
        whole_number("the width of an embedding", width, 1)
        self.table = Parameter(find_initialisation(init)(rng, vocab, width, dtype))
        self.scale = math.sqrt(width) if scaled else 1.0

    def forward(self, ids: Array) -> tuple[Array, ScaledEmbeddingCache]:
        """ids: (..., T) integers -> y: (..., T, C).  Raises ValueError for an id outside the vocabulary."""
        rows, cache = embedding_forward(ids, self.table.value)
        return rows * self.scale, ScaledEmbeddingCache(cache, self.scale)

    def backward(self, dy: Array, cache: ScaledEmbeddingCache) -> None:
        """dy: (..., T, C).  Ids have no gradient, so nothing is returned."""
        self.table.grad += embedding_backward(dy * cache.scale, cache.lookup)  # y = rows * scale

    def logits(self, x: Array) -> tuple[Array, TiedLogitsCache]:
        """x: (..., C) -> logits: (..., V), the dot product with every row."""
        return tied_logits_forward(x, self.table.value)

    def logits_backward(self, dlogits: Array, cache: TiedLogitsCache) -> Array:
        """dlogits: (..., V) -> dx: (..., C)."""
        dx, dtable = tied_logits_backward(dlogits, cache)
        self.table.grad += dtable
        return dx

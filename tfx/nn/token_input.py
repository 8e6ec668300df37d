"""From token ids to the first hidden states: embedding * sqrt(C), plus positions, then dropout."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.nn.init import Rng
from tfx.nn.positions import FrequenciesCache, PlacesCache, Positions
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.embedding import check_rows_of_ids
from tfx.ops.positions.positions import PositionsCache
from tfx.params import Layer


class TokenInputCache(NamedTuple):
    embedding: ScaledEmbeddingCache
    positions: PositionsCache | FrequenciesCache | PlacesCache | None
    dropout: DropoutCache


class TokenInput(Layer):
    """Owns positions, and an embedding that other layers may share.  (Vaswani et al. 2017, 3.4, 3.5 and 5.4.)"""

    def __init__(
        self, embedding: Embedding, positions: str, max_len: int, rng: Rng, dropout: float = 0.0, dtype: Any = "float32"
    ) -> None:
        self.embedding = embedding
        self.positions = Positions(positions, max_len, embedding.table.shape[1], rng, dtype)
        self.dropout = Dropout(dropout)

    def forward(self, ids: Array, rng: Any = None, start: int | Array = 0) -> tuple[Array, TokenInputCache]:
        """ids: (B, T) integers -> x: (B, T, C).

        start: the place of the first token, or of the first one of each row: (B,).
        Raises ValueError unless ids have two axes.
        """
        check_rows_of_ids(ids)
        x, embedding = self.embedding.forward(ids)
        x, positions = self.positions.forward(x, start)
        x, dropout = self.dropout.forward(x, rng)
        return x, TokenInputCache(embedding, positions, dropout)

    def backward(self, dx: Array, cache: TokenInputCache) -> None:
        """dx: (B, T, C).  Ids have no gradient, so nothing is returned."""
        dx = self.dropout.backward(dx, cache.dropout)
        dx = self.positions.backward(dx, cache.positions)  # x = embedded + positions
        self.embedding.backward(dx, cache.embedding)

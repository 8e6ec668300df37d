"""BERT's input: which word, which sentence and which place, summed, normalised, and brought to the model's width.

    s = tokens(ids) + segments(segment of each token) + positions        (B, T) -> (B, T, E)
    x = dropout(norm(s))
    x = x W + b                                                          only when E differs from the model's width C

E is the width of the tables.  One narrower than the model is ALBERT's factorised embedding: V x E and E x C numbers
instead of V x C.
Sources: Devlin et al. 2019, section 3 and figure 2; Lan et al. 2020, "ALBERT", section 3.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.nn.init import embedding_normal
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.embedding import check_rows_of_ids
from tfx.ops.basics.linear import LinearCache
from tfx.ops.norms.layer_norm import LayerNormCache
from tfx.ops.positions.positions import PositionsCache, add_positions_backward, add_positions_forward
from tfx.params import Layer, Parameter

POSITIONS = ("learned", "none")


class SegmentInputCache(NamedTuple):
    tokens: ScaledEmbeddingCache
    segments: ScaledEmbeddingCache
    positions: PositionsCache | None
    norm: LayerNormCache
    dropout: DropoutCache
    widen: LinearCache | None


class SegmentInput(Layer):
    """Owns the tables of segments (n_segments, E) and positions (max_len, E), and reads `tokens`, which others share.

    All three start alike, normal with variance 1 / E.  positions: "learned", or "none" for experiments.
    """

    def __init__(
        self,
        tokens: Embedding,
        d_model: int,
        n_segments: int,
        positions: str,
        max_len: int,
        rng: np.random.Generator,
        dropout: float = 0.0,
        dtype: Any = "float32",
        eps: float = 1e-12,
    ) -> None:
        if positions not in POSITIONS:
            raise ValueError(f"positions must be one of {', '.join(POSITIONS)}, not {positions!r}")
        width = tokens.table.shape[1]
        self.tokens = tokens
        self.segments = Embedding(n_segments, width, rng, dtype, scaled=False)
        self.positions = Parameter(embedding_normal(rng, max_len, width, dtype)) if positions == "learned" else None
        self.norm = LayerNorm(width, dtype, eps)
        self.dropout = Dropout(dropout)
        self.widen = Linear(width, d_model, rng, dtype=dtype) if width != d_model else None

    def forward(self, ids: Array, segments: Array | None = None, rng: Any = None) -> tuple[Array, SegmentInputCache]:
        """ids: (B, T) integers, segments: (B, T) integers or None for all 0 -> x: (B, T, C).

        Raises ValueError for ids without two axes, segments of another shape, an id or a segment that does not exist,
        and more than max_len tokens.
        """
        check_rows_of_ids(ids)
        if segments is None:
            segments = xp_of(ids).zeros_like(ids)
        if segments.shape != ids.shape:
            raise ValueError(f"segments are {segments.shape} but ids are {ids.shape}")
        token_rows, tokens = self.tokens.forward(ids)
        segment_rows, segment = self.segments.forward(segments)
        s = token_rows + segment_rows
        positions = None
        if self.positions is not None:
            s, positions = add_positions_forward(s, self.positions.value)
        x, norm = self.norm.forward(s)
        x, dropout = self.dropout.forward(x, rng)
        widen = None
        if self.widen is not None:
            x, widen = self.widen.forward(x)
        return x, SegmentInputCache(tokens, segment, positions, norm, dropout, widen)

    def backward(self, dx: Array, cache: SegmentInputCache) -> None:
        """dx: (B, T, C).  Ids and segments have no gradient, so nothing is returned."""
        if self.widen is not None and cache.widen is not None:
            dx = self.widen.backward(dx, cache.widen)
        dx = self.dropout.backward(dx, cache.dropout)
        ds = self.norm.backward(dx, cache.norm)
        if self.positions is not None and cache.positions is not None:
            ds, dtable = add_positions_backward(ds, cache.positions)
            self.positions.grad += dtable
        self.segments.backward(ds, cache.segments)  # s = tokens + segments + positions: each gets all of ds
        self.tokens.backward(ds, cache.tokens)

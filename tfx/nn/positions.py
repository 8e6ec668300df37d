"""Positions from a table with one row per place: added to the embeddings, or written beside them as features."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward
from tfx.ops.positions.positions import (
    PositionsCache,
    add_positions_backward,
    add_positions_forward,
    concat_positions_backward,
    concat_positions_forward,
    sinusoidal_positions,
)
from tfx.ops.positions.sinusoids import SinusoidsCache, angular_speeds, sinusoids_backward, sinusoids_forward
from tfx.params import Layer, Parameter

KINDS = ("sinusoidal", "learned", "frequencies", "none")


class FrequenciesCache(NamedTuple):
    added: PositionsCache
    sinusoids: SinusoidsCache


class PlacesCache(NamedTuple):
    """What each row read, where rows begin at places of their own."""

    lookup: EmbeddingCache | SinusoidsCache


class Positions(Layer):
    """Positions added to the input.  kind is one of

    "sinusoidal"    computed; no parameters, any length
    "learned"       owns table: (max_len, C), normal with variance 1/2, the mean square of the sinusoids it replaces
    "frequencies"   sinusoids that learn how fast they turn; owns speeds: (C / 2,), from the fixed ones on; any length
    "none"          nothing is added

    Raises ValueError for another kind, or for frequencies with an odd width.
    """

    def __init__(self, kind: str, max_len: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        if kind not in KINDS:
            raise ValueError(f"positions must be one of {', '.join(KINDS)}, not {kind!r}")
        if kind == "frequencies" and width % 2:
            raise ValueError(f"frequencies need pairs of sine and cosine, but width {width} is odd")
        self.kind = kind
        if kind == "learned":
            self.table = learned_table(max_len, width, rng, dtype)
        if kind == "frequencies":
            self.speeds = Parameter(angular_speeds(width).astype(dtype))

    def forward(
        self, x: Array, start: int | Array = 0
    ) -> tuple[Array, PositionsCache | FrequenciesCache | PlacesCache | None]:
        """x: (..., T, C) -> x with row start + t of the table added at place t.

        start: one number, or one for each row of x: (B, T, C); then places below 0, where filling stands, count as 0.
        Raises ValueError when start + T exceeds max_len of a learned table.
        """
        if self.kind == "none":
            return x, None
        if not isinstance(start, int):
            return self._forward_by_row(x, start)
        if self.kind == "learned":
            return add_positions_forward(x, self.table.value, start)
        xp, length = xp_of(x), x.shape[-2]
        if self.kind == "frequencies":
            table, sinusoids = sinusoids_forward(xp.arange(start, start + length), self.speeds.value)
            y, added = add_positions_forward(x, table)
            return y, FrequenciesCache(added, sinusoids)
        return add_positions_forward(x, sinusoidal_positions(length, x.shape[-1], dtype=x.dtype, xp=xp, start=start))

    def _forward_by_row(self, x: Array, starts: Array) -> tuple[Array, PlacesCache]:
        xp, (n_rows, length, width) = xp_of(x), x.shape
        places = xp.maximum(xp.asarray(starts)[:, None] + xp.arange(length), 0)  # (B, T)
        lookup: EmbeddingCache | SinusoidsCache
        if self.kind == "learned":
            rows, lookup = embedding_forward(places, self.table.value)
            return x + rows, PlacesCache(lookup)
        speeds = self.speeds.value if self.kind == "frequencies" else angular_speeds(width, xp=xp)
        table, lookup = sinusoids_forward(places.reshape(-1), speeds)
        return x + table[:, :width].reshape(n_rows, length, width).astype(x.dtype), PlacesCache(lookup)

    def backward(self, dy: Array, cache: PositionsCache | FrequenciesCache | PlacesCache | None) -> Array:
        """dy: (..., T, C) -> dx: (..., T, C)."""
        if isinstance(cache, PlacesCache):
            if isinstance(cache.lookup, EmbeddingCache):
                self.table.grad += embedding_backward(dy, cache.lookup)  # y = x + table[places]
            elif self.kind == "frequencies":
                self.speeds.grad += sinusoids_backward(dy.reshape(-1, dy.shape[-1]), cache.lookup)
            return dy
        if isinstance(cache, FrequenciesCache):
            dx, dtable = add_positions_backward(dy, cache.added)
            self.speeds.grad += sinusoids_backward(dtable, cache.sinusoids)
            return dx
        if cache is None or self.kind != "learned":
            return dy  # y = x + a constant
        dx, dtable = add_positions_backward(dy, cache)
        self.table.grad += dtable
        return dx


class ConcatPositions(Layer):
    """Positions written beside the token: P further features.

    kind: "sinusoidal", any length, or "learned": owns table: (max_len, P).
    Raises ValueError for another kind.
    """

    def __init__(
        self, kind: str, max_len: int, features: int, rng: np.random.Generator, dtype: Any = "float32"
    ) -> None:
        if kind not in ("sinusoidal", "learned"):
            raise ValueError(f"positions beside a token must be sinusoidal or learned, not {kind!r}")
        self.kind, self.features = kind, features
        if kind == "learned":
            self.table = learned_table(max_len, features, rng, dtype)

    def forward(self, x: Array, start: int = 0) -> tuple[Array, PositionsCache]:
        """x: (..., T, C) -> y: (..., T, C + P).

        Raises ValueError when start + T exceeds max_len of a learned table.
        """
        if self.kind == "learned":
            return concat_positions_forward(x, self.table.value, start)
        table = sinusoidal_positions(x.shape[-2], self.features, dtype=x.dtype, xp=xp_of(x), start=start)
        return concat_positions_forward(x, table)

    def backward(self, dy: Array, cache: PositionsCache) -> Array:
        """dy: (..., T, C + P) -> dx: (..., T, C)."""
        dx, dtable = concat_positions_backward(dy, cache)
        if self.kind == "learned":
            self.table.grad += dtable
        return dx


def learned_table(max_len: int, width: int, rng: np.random.Generator, dtype: Any) -> Parameter:
    """(max_len, C), normal with variance 1/2."""
    return Parameter((rng.standard_normal((max_len, width)) * math.sqrt(0.5)).astype(dtype))

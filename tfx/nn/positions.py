"""Positions added to the embeddings: computed sinusoids, a learned table, or none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.positions import (
    PositionsCache,
    add_positions_backward,
    add_positions_forward,
    sinusoidal_positions,
)
from tfx.params import Layer, Parameter

KINDS = ("sinusoidal", "learned", "none")


class Positions(Layer):
    """kind "sinusoidal" or "none": no parameters, any length.  "learned": owns table: (max_len, C).

    The learned table starts normal with variance 1/2, the mean square of the sinusoids that it replaces.
    """

    def __init__(self, kind: str, max_len: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        if kind not in KINDS:
            raise ValueError(f"positions must be one of {', '.join(KINDS)}, not {kind!r}")
        self.kind = kind
        if kind == "learned":
            self.table = Parameter((rng.standard_normal((max_len, width)) * math.sqrt(0.5)).astype(dtype))

    def forward(self, x: Array, start: int = 0) -> tuple[Array, PositionsCache | None]:
        """x: (..., T, C) -> x with row start + t of the table added at place t.

        Raises ValueError when start + T exceeds max_len of a learned table.
        """
        if self.kind == "none":
            return x, None
        if self.kind == "learned":
            return add_positions_forward(x, self.table.value, start)
        table = sinusoidal_positions(x.shape[-2], x.shape[-1], dtype=x.dtype, xp=xp_of(x), start=start)
        return add_positions_forward(x, table)

    def backward(self, dy: Array, cache: PositionsCache | None) -> Array:
        """dy: (..., T, C) -> dx: (..., T, C)."""
        if cache is None or self.kind != "learned":
            return dy  # y = x + a constant
        dx, dtable = add_positions_backward(dy, cache)
        self.table.grad += dtable
        return dx

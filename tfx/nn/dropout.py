"""Dropout that draws a fresh mask at every call; no rng means evaluation, and then it does nothing."""

from __future__ import annotations

from typing import Any

from tfx.backend import Array, xp_of
from tfx.ops.basics.dropout import DropoutCache, dropout_backward, dropout_forward, dropout_mask
from tfx.params import Layer


class Dropout(Layer):
    """Owns no parameters, only the rate."""

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {rate}")
        self.rate = rate

    def multiplier(self, shape: tuple[int, ...], rng: Any, like: Array) -> Array | None:
        """A fresh mask of that shape, dtype and device of `like`; None in evaluation or at rate 0."""
        if rng is None or self.rate == 0:
            return None
        return dropout_mask(shape, self.rate, rng, like.dtype, xp_of(like))

    def forward(self, x: Array, rng: Any = None) -> tuple[Array, DropoutCache]:
        """x: any shape -> y of the same shape."""
        return dropout_forward(x, self.multiplier(x.shape, rng, x))

    def backward(self, dy: Array, cache: DropoutCache) -> Array:
        """dy -> dx."""
        return dropout_backward(dy, cache)

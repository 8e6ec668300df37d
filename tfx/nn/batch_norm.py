"""Batch normalisation with its gain, its offset and its running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.running_norm import RunningNorm
from tfx.ops.norms.batch_norm import (
    BatchNormCache,
    Statistics,
    batch_norm_backward,
    batch_norm_forward,
    updated_statistics,
)
from tfx.params import Buffer


class BatchNorm(RunningNorm):
    """Owns gamma: (C,), ones, and beta: (C,), zeros; and the buffers mean: (C,), zeros, and variance: (C,), ones.

    training: True takes the statistics from the batch and moves the buffers (by `momentum`, see Buffer); False uses
    the buffers.
    """

    def __init__(self, width: int, dtype: Any = "float32", eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(width, dtype, eps, momentum)
        self.mean = Buffer(np.zeros(width, dtype=dtype))
        self.variance = Buffer(np.ones(width, dtype=dtype))

    def forward(self, x: Array, keep: Array | None = None) -> tuple[Array, BatchNormCache]:
        """x: (..., C), keep: (...,) bool, True = counts -> y: (..., C)."""
        running = None if self.training else Statistics(self.mean.value, self.variance.value)
        y, cache = batch_norm_forward(x, self.gamma.value, self.beta.value, running, keep, self.eps)
        if self.training:
            so_far = Statistics(self.mean.next, self.variance.next)
            self.mean.next, self.variance.next = updated_statistics(so_far, cache, self.momentum)
        return y, cache

    def backward(self, dy: Array, cache: BatchNormCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dx, dgamma, dbeta = batch_norm_backward(dy, cache)
        self._add(dgamma, dbeta)
        return dx

"""PowerNorm with its gain, its offset and its two running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.running_norm import RunningNorm
from tfx.ops.norms.power_norm import (
    PowerNormCache,
    PowerStatistics,
    power_norm_backward,
    power_norm_forward,
    updated_nu,
    updated_psi2,
)
from tfx.params import Buffer


class PowerNorm(RunningNorm):
    """Owns gamma: (C,), ones, and beta: (C,), zeros; and the buffers psi2: (C,), ones, and nu: (C,), zeros.

    training: True is the paper's PN, whose backward is an approximation (ops/norms/power_norm.py) and whose buffers
    move: psi2 in forward, nu in backward.  False uses psi2 alone. batch_statistics: True is PN-V in training: psi of
    the batch, with the exact backward.
    """

    def __init__(
        self,
        width: int,
        dtype: Any = "float32",
        eps: float = 1e-5,
        momentum: float = 0.1,
        batch_statistics: bool = False,
    ) -> None:
        super().__init__(width, dtype, eps, momentum)
        self.psi2 = Buffer(np.ones(width, dtype=dtype))
        self.nu = Buffer(np.zeros(width, dtype=dtype))
        self.batch_statistics = batch_statistics

    def forward(self, x: Array, keep: Array | None = None) -> tuple[Array, PowerNormCache]:
        """x: (..., C), keep: (...,) bool, True = counts -> y: (..., C)."""
        running: PowerStatistics | None = PowerStatistics(self.psi2.value, self.nu.value if self.training else None)
        if self.training and self.batch_statistics:
            running = None
        y, cache = power_norm_forward(x, self.gamma.value, self.beta.value, running, keep, self.eps)
        if self.training:
            self.psi2.next = updated_psi2(self.psi2.next, cache, self.momentum)
        return y, cache

    def backward(self, dy: Array, cache: PowerNormCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dx, dgamma, dbeta = power_norm_backward(dy, cache)
        if cache.running is not None and cache.running.nu is not None:
            self.nu.next = updated_nu(self.nu.next, dgamma, cache, self.momentum)
        self._add(dgamma, dbeta)
        return dx

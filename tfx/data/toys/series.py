"""Time series: a season, a trend and noise; what comes next, and what should not have come?

    x_t = sin(2 pi (t / period + phase)) + slope t + noise

Period, phase and slope differ from series to series: the next value cannot be known without having seen those before.
Values are read and written as tokens, one for each of `n_bins` equal steps (as by Ansari et al. 2024, "Chronos").
`with_spike` puts a value that does not belong into each series: a model of the normal finds it surprising.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens, one_side

REACH = 1.6  # values beyond +-REACH fall into the outermost bins


@dataclass(frozen=True)
class Series(ContinueToy):
    """periods: the seasons to choose from, in steps.  warm_up: values that are given before the first is asked."""

    n_bins: int = 16
    length: int = 20
    periods: tuple[int, ...] = (4, 5, 6)
    slope: float = 0.02
    noise: float = 0.03
    warm_up: int = 8

    @property
    def n_tokens(self) -> int:
        return self.n_bins

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length - 1); the values after warm_up are asked."""
        (rows,) = one_side(n, rng, held_out, self._binned)
        return next_tokens(rows, self.warm_up)

    def with_spike(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        """-> rows (n, length), and the place in each of the one value that was moved by half the range."""
        (rows,) = one_side(n, rng, True, self._binned)
        place = rng.integers(self.warm_up, self.length, size=n)
        rows[np.arange(n), place] = (rows[np.arange(n), place] + self.n_bins // 2) % self.n_bins
        return rows, place

    def values(self, n: int, rng: Rng) -> np.ndarray:
        """(n, length) float64, before they are cut into bins."""
        period = np.array(self.periods)[rng.integers(len(self.periods), size=(n, 1))]
        phase, slope = rng.random((n, 1)), self.slope * rng.uniform(-1, 1, size=(n, 1))
        t = np.arange(self.length)
        noise = self.noise * rng.standard_normal((n, self.length))
        return np.sin(2 * math.pi * (t / period + phase)) + slope * t + noise

    def centres(self) -> np.ndarray:
        """(n_bins,): the value in the middle of each bin."""
        return (np.arange(self.n_bins) + 0.5) * (2 * REACH / self.n_bins) - REACH

    def _binned(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        steps = np.floor((self.values(n, rng) + REACH) * (self.n_bins / (2 * REACH)))
        return (np.clip(steps, 0, self.n_bins - 1).astype(np.int64),)

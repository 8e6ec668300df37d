"""Two ways compared seed by seed: what differs between the seeds, and not between the ways, cancels.

    d_i = a_i - b_i           of seed i, both ways started from it
    interval                  mean(d) +- t s / sqrt(n)          t: Student's, n - 1 degrees of freedom

A difference is told apart from chance where its interval leaves 0 out.
Source: Student 1908, "The Probable Error of a Mean", whose first illustration is such a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfx.measure.estimates import mean_with_error, student_t_quantile


class Difference(NamedTuple):
    """mean: of a - b; low, high: its interval; n: pairs; error: the standard error of the mean."""

    mean: float
    low: float
    high: float
    n: int
    error: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves 0 out; an interval with NaN leaves nothing out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ({self.low:+.3f} .. {self.high:+.3f}, {self.n} seeds)"


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Difference:
    """a, b: one number for each seed, in the same order -> a - b.  Raises ValueError for fewer than two, or unequal."""
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"pairs are compared, two or more, not {len(a)} numbers with {len(b)}")
    mean, error = mean_with_error(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))
    half = student_t_quantile((1 + confidence) / 2, len(a) - 1) * error
    return Difference(mean, mean - half, mean + half, len(a), error)

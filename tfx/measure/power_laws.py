"""Laws fitted to points: a power without a floor, a power with one, and the rule that is no power at all.

    PowerLaw      y = c x^e                      straight in log-log; the exponent with its interval
    LossLaw       L(N) = floor + a N^-alpha      straight in log-log once the floor is subtracted
    LogRule       L(N) = a - b log N             straight in semi-log; below 0 for a large enough N

For a given floor a loss law is a straight line in logs: least squares has a closed form, and the floor is searched on a
grid.  Over a short range of N it and the log rule both fit, as N^-alpha = exp(-alpha log N) is nearly linear there;
what tells them apart is a prediction beyond the range (tfx/lab/scale/rare_facts.py measures it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfx.measure.estimates import student_t_quantile


@dataclass(frozen=True)
class PowerLaw:
    """y = coefficient * x^exponent; `low` and `high` bound the exponent with the asked confidence."""

    exponent: float
    coefficient: float
    low: float
    high: float


def fit_power_law(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> PowerLaw:
    """Least squares of log y on log x, with Student's t interval for the exponent (infinite for two points).

    The interval covers scatter around a straight line; it cannot know of an error that all points share.
    Raises ValueError for fewer than two different x or for numbers that have no logarithm.
    """
    if len(set(x)) < 2 or len(x) != len(y):
        raise ValueError(f"a power law needs two different x and one y for each, got {len(x)} x and {len(y)} y")
    if min(*x, *y) <= 0:
        raise ValueError("a power law needs positive numbers")
    u, v = np.log(np.asarray(x, dtype=np.float64)), np.log(np.asarray(y, dtype=np.float64))
    du = u - u.mean()
    spread = float((du * du).sum())
    slope = float((du * v).sum()) / spread
    intercept = float(v.mean()) - slope * float(u.mean())
    residual = v - (intercept + slope * u)
    freedom = len(x) - 2
    half = math.inf
    if freedom > 0:
        half = student_t_quantile(0.5 + confidence / 2, freedom) * math.sqrt(
            float((residual * residual).sum()) / freedom / spread
        )
    return PowerLaw(slope, math.exp(intercept), slope - half, slope + half)


class LossLaw(NamedTuple):
    """floor + a n^-alpha."""

    floor: float
    a: float
    alpha: float

    def at(self, n: np.ndarray | float) -> np.ndarray:
        return self.floor + self.a * np.asarray(n, dtype="float64") ** -self.alpha


class LogRule(NamedTuple):
    """a - b log n."""

    a: float
    b: float

    def at(self, n: np.ndarray | float) -> np.ndarray:
        return self.a - self.b * np.log(np.asarray(n, dtype="float64"))


def fit_loss_law(n: np.ndarray, loss: np.ndarray, floors: int = 200) -> LossLaw:
    """n, loss: (K,) positive, K >= 3 -> the power law with the least squared error of log(loss - floor), weighted so
    that the errors count as errors of the loss.  Floors from 0 to just below the least loss are tried;
    floors=1: only 0.

    Raises ValueError for fewer than three sizes: three constants need three points.
    """
    if len(n) < 3 or len(n) != len(loss):
        raise ValueError(f"a power law with a floor needs at least three sizes with a loss each, not {len(n)}")
    candidates = [_with_floor(n, loss, share * float(loss.min())) for share in np.linspace(0, 0.999, floors)]
    return min(candidates, key=lambda law: float(((law.at(n) - loss) ** 2).sum()))


def fit_log_rule(n: np.ndarray, loss: np.ndarray) -> LogRule:
    """n, loss: (K,) -> the straight line in log n with the least squared error."""
    slope, intercept = np.polyfit(np.log(n), loss, 1)
    return LogRule(float(intercept), float(-slope))


def _with_floor(n: np.ndarray, loss: np.ndarray, floor: float) -> LossLaw:
    above = loss - floor
    slope, intercept = np.polyfit(np.log(n), np.log(above), 1, w=above)  # d log(above) = d loss / above
    return LossLaw(floor, float(np.exp(intercept)), float(-slope))

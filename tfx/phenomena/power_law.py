"""Scaling laws: loss as a power of size, against the rule that each tenfold of parameters buys the same step.

    power law     L(N) = floor + a N^-alpha            straight in log-log once the floor is subtracted
    log rule      L(N) = a - b log N                   straight in semi-log; below 0 for a large enough N

For a given floor the power law is a straight line in logs: least squares has a closed form, and the floor is searched
on a grid.  Over a short range of N both fit, as N^-alpha = exp(-alpha log N) is nearly linear there; what tells them
apart is a prediction beyond the range.
Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", equations 1.1 and 1.2; their constants below are
for tokens of their own and for loss in nats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: L(N) = (N_c / N)^alpha_N, data unlimited; L(D) = (D_c / D)^alpha_D, parameters unlimited.
KAPLAN_N = (8.8e13, 0.076)
KAPLAN_D = (5.4e13, 0.095)


class PowerLaw(NamedTuple):
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


def kaplan_loss(n_parameters: float, n_tokens: float) -> float:
    """Loss in nats per token of a language model, by equation 1.5: both limits at once.  Embeddings are not counted."""
    (n_c, alpha_n), (d_c, alpha_d) = KAPLAN_N, KAPLAN_D
    return float(((n_c / n_parameters) ** (alpha_n / alpha_d) + d_c / n_tokens) ** alpha_d)


def fit_power_law(n: np.ndarray, loss: np.ndarray, floors: int = 200) -> PowerLaw:
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


def _with_floor(n: np.ndarray, loss: np.ndarray, floor: float) -> PowerLaw:
    above = loss - floor
    slope, intercept = np.polyfit(np.log(n), np.log(above), 1, w=above)  # d log(above) = d loss / above
    return PowerLaw(floor, float(np.exp(intercept)), float(-slope))

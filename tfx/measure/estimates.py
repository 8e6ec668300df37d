"""Estimates with their uncertainty: mean and variance of a sample, a straight line, and Student's t for intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def mean_with_error(x: np.ndarray) -> tuple[float, float]:
    """Sample mean of all entries and its standard error."""
    x = np.asarray(x, dtype=np.float64)
    return float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size)


def variance_with_error(x: np.ndarray) -> tuple[float, float]:
    """Sample variance s^2 of independent draws and its standard error, for any distribution.

        Var(s^2) = (m4 - m2^2 (n - 3) / (n - 1)) / n         m2, m4: second and fourth central moments

    Normal draws have m4 = 3 m2^2 and give the textbook sqrt(2 / (n - 1)) m2.  A dot product of few coordinates has
    heavier tails (m4 = 9 m2^2 for one), so that formula would be too small by half.
    Source: Cramer 1946, "Mathematical Methods of Statistics", section 27.4.
    """
    x = np.asarray(x, dtype=np.float64)
    n = x.size
    squares = (x - x.mean()) ** 2
    second, fourth = float(squares.mean()), float((squares * squares).mean())
    return second * n / (n - 1), math.sqrt(max(fourth - second * second * (n - 3) / (n - 1), 0.0) / n)


def distance_in_se(measured: float, law: float, se: float) -> float:
    """|measured - law| in standard errors; a difference that float32 rounding explains counts as none."""
    difference = abs(measured - law)
    if difference <= 1e-6 * max(law, measured, 1e-300):
        return 0.0
    return difference / se if se > 0 else math.inf


def lead_in_se(first: tuple[float, float], second: tuple[float, float]) -> float:
    """How far the first mean lies above the second, in standard errors of their difference; each is (mean, standard
    error) of independent draws.  Without any scatter infinite, or 0 where the means are equal."""
    difference, se = first[0] - second[0], math.hypot(first[1], second[1])
    if se == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / se


def straight_line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """a, b of y = a + b x, least squares of the error as a share of y: long times do not drown the short ones."""
    weights = [1 / (each * each) for each in y]
    total = sum(weights)
    mean_x = sum(w * each for w, each in zip(weights, x, strict=True)) / total
    mean_y = sum(w * each for w, each in zip(weights, y, strict=True)) / total
    both = sum(w * (u - mean_x) * (v - mean_y) for w, u, v in zip(weights, x, y, strict=True))
    b = both / sum(w * (u - mean_x) ** 2 for w, u in zip(weights, x, strict=True))
    return mean_y - b * mean_x, b


def student_t_quantile(probability: float, freedom: int) -> float:
    """t with P(T <= t) = probability, for 0.5 <= probability < 1, by bisection on the exact distribution."""
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"needs 0.5 <= probability < 1 and freedom >= 1, got {probability} and {freedom}")
    low, high = 0.0, 1.0
    while student_t_distribution(high, freedom) < probability:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if student_t_distribution(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_t_distribution(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0 and a whole number of degrees of freedom.

    Finite sums in theta = atan(t / sqrt(freedom)): Abramowitz and Stegun 1964, 26.7.3 (odd) and 26.7.4 (even).
    """
    theta = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(1 + odd, freedom, 2):  # term is cos^(k-1) times its coefficient
        total += term
        term *= k / (k + 1) * cosine * cosine
    inside = (theta + sine * total) * 2 / math.pi if odd else sine * total
    return 0.5 + inside / 2

"""Numeric derivatives: central differences, sharpened by Richardson extrapolation.

The central difference D(h) = (f(x + h) - f(x - h)) / 2h has an error a h^2 + b h^4 + ...: a small h makes it small, but
then the subtraction loses digits, and about ten of sixteen is the best that one h can do.  Richardson's way out: two
steps h and h/2 have errors of known ratio 4, so (4 D(h/2) - D(h)) / 3 has none of order h^2.  Repeating this cancels
h^4, h^6, ... and gives twelve digits from steps that are still large.  The change from one column of the table to the
next estimates the error; the entry with the smallest estimate wins.
Source: Richardson 1911; Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: The first step.  A larger one can leap over a saturated softmax and find the derivative 0 with an "error" of 0.
STEP = 5e-3
LEVELS = 6


def richardson(difference: Callable[[float], float], step: float = STEP, levels: int = LEVELS) -> tuple[float, float]:
    """difference(h): a central difference with step h -> (its limit for h -> 0, an estimate of the error)."""
    previous = [difference(step)]
    best, best_error = previous[0], math.inf
    for level in range(1, levels):
        row = [difference(step / 2**level)]
        factor = 1.0
        for order in range(level):
            factor *= 4.0  # h^2 shrinks by 4 from level to level, h^4 by 16, ...
            row.append((factor * row[order] - previous[order]) / (factor - 1.0))
            error = max(abs(row[order + 1] - row[order]), abs(row[order + 1] - previous[order]))
            if error < best_error:
                best, best_error = row[order + 1], error
        rounding_has_taken_over = abs(row[-1] - previous[-1]) >= 2.0 * best_error
        if rounding_has_taken_over or best_error <= 1e-12 * abs(best):
            break
        previous = row
    return best, best_error


def directional_derivative(
    forward: Callable[..., tuple[Any, Any]],
    inputs: Mapping[str, Any],
    name: str,
    direction: np.ndarray,
    dy: np.ndarray,
    step: float = STEP,
    levels: int = LEVELS,
) -> tuple[float, float]:
    """The slope of sum(dy * y) as inputs[name] moves along `direction`, and an estimate of its error.

    The two outputs are subtracted before they are summed, so outputs that did not move add no rounding error.
    """
    x = inputs[name]
    moved = dict(inputs)

    def difference(h: float) -> float:
        moved[name] = x + h * direction
        above = np.asarray(forward(**moved)[0])
        moved[name] = x - h * direction
        below = np.asarray(forward(**moved)[0])
        return float((dy * (above - below)).sum()) / (2.0 * h)

    return richardson(difference, step, levels)


def numeric_gradient(
    function: Callable[[np.ndarray], Any], x: np.ndarray, step: float = STEP, levels: int = LEVELS
) -> np.ndarray:
    """The gradient of a scalar function at x, in float64 and the shape of x; no backward needed."""
    x = np.array(x, dtype=np.float64)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1.0
        slope, _ = directional_derivative(
            lambda x: (function(x), None), {"x": x}, "x", direction, np.asarray(1.0), step, levels
        )
        gradient[index] = slope
    return gradient

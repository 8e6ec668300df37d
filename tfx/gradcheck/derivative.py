"""Numeric derivatives: central differences, plain and sharpened by Richardson extrapolation.

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
from functools import partial
from typing import Any

import numpy as np

#: The first step.  A larger one can leap over a saturated softmax and find the derivative 0 with an "error" of 0.  A
#: power of two, and so are its halves: x + h then loses no digit of h, however large x is.
STEP = 2.0**-8
LEVELS = 6
#: The step of a plain central difference: truncation h^2 and rounding eps / h are equally small near eps^(1/3).
CENTRAL_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
_ENOUGH = 1e-11
_DOUBTFUL = 1e-9
_LONGER = 8  # 4^7 times 2^-8 is 64: enough for inputs of some ten thousand
_ROUNDINGS = 100.0  # so many times the rounding of one difference may end up in the limit


def richardson(
    difference: Callable[[float], float],
    step: float = STEP,
    levels: int = LEVELS,
    scale: float = 0.0,
    rounding: float = 0.0,
) -> tuple[float, float]:
    """difference(h): a central difference with step h -> (its limit for h -> 0, an estimate of the error).

    scale: a size that the limit is judged by.  Digits below 1e-11 of it, or of the limit itself, are not worked for.
    rounding: the rounding error of h * difference(h).

    The first step may have been wrong, and the estimate tells.  Too long: the series in h has a radius of convergence,
    which may be small (a layer norm of nearly equal numbers, a kink close by); then steps 8 times shorter are tried.
    Too short: what is left is rounding; then longer ones are tried, each believed only where it confirms the last.
    """
    best, best_error = extrapolated(difference, step, levels, scale)
    size = max(abs(best), scale)
    is_rounding = best_error <= _ROUNDINGS * rounding / step
    for longer_step in (4.0**n * step for n in range(1, _LONGER)):
        if not is_rounding or best_error <= _ENOUGH * size:
            break
        longer, error = extrapolated(difference, longer_step, levels, scale)
        if not (error < best_error and abs(longer - best) <= _ROUNDINGS * rounding / step):
            break
        best, best_error, step = longer, error, longer_step
    for shorter in (step / 8.0, step / 64.0):
        if is_rounding or best_error <= _DOUBTFUL * size:
            break
        again, error = extrapolated(difference, shorter, levels, scale)
        if error < best_error:
            best, best_error = again, error
    return best, best_error


def extrapolated(
    difference: Callable[[float], float], step: float, levels: int = LEVELS, scale: float = 0.0
) -> tuple[float, float]:
    """Richardson's table from one first step -> the entry with the smallest estimated error, and that estimate."""
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
        if rounding_has_taken_over or best_error <= _ENOUGH * max(abs(best), scale):
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
    scale: float = 0.0,
    rounding: float = 0.0,
) -> tuple[float, float]:
    """The slope of sum(dy * y) as inputs[name] moves along `direction`, and an estimate of its error."""
    return richardson(partial(central_derivative, forward, inputs, name, direction, dy), step, levels, scale, rounding)


def central_derivative(
    forward: Callable[..., tuple[Any, Any]],
    inputs: Mapping[str, Any],
    name: str,
    direction: np.ndarray,
    dy: np.ndarray,
    step: float = CENTRAL_STEP,
) -> float:
    """The same slope from one plain central difference: what most gradient checks do, with half of the digits.

    The two outputs are subtracted before they are summed, so outputs that did not move add no rounding error.
    """
    above = np.asarray(forward(**{**inputs, name: inputs[name] + step * direction})[0])
    below = np.asarray(forward(**{**inputs, name: inputs[name] - step * direction})[0])
    return float((dy * (above - below)).sum()) / (2.0 * step)


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

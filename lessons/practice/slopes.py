"""The gradients that are right, without a backward: slopes of the truth along random directions.

For results r of the truth and random numbers u of their shapes, the gradient of sum(u * r) for an argument x is a
vector g with g . d = the slope of sum(u * r) when x moves along d.  A few random d tell every wrong g from the right
one, however large x is, and the whole g takes one d for each number of x, which is done only to show what is wrong.
Where many arrays go in, as in a stack of blocks, all of them move at once; array by array only where that is off.

Slopes are central differences at shrinking steps, extrapolated to step 0 by Neville's scheme (Ridders 1982, "Accurate
computation of F'(x) and F'(x) F''(x)"; Press et al., Numerical Recipes, section 5.7), which estimates its own error.
Where the truth has a kink or jumps there is no slope, and nothing is judged.  A kink beside may spoil large steps: a
slope that a gradient does not fit is looked at once more, with small ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lessons.practice.exercise import Exercise
from lessons.practice.comparing import outcomes_of
from lessons.practice.tensors import leaves, mapped
from lessons.practice.trying import kept

#: random directions for each argument; the largest step, in sizes of the argument, and the one with which a slope is
#: made sure; how steps shrink, and how often
DIRECTIONS, FIRST, SURE, SHRINK, LEVELS = 3, 0.05, 0.0025, 2.0, 9
#: the most arrays of an input that move one by one
APART = 8


class Slope(NamedTuple):
    """value: of the slope.  error: how far it may be off."""

    value: float
    error: float


@dataclass(frozen=True)
class Pull:
    """What is asked of one input.  place: of the input.  upstream: path of a result -> u, 0 where the result is not
    finite; arguments: path -> (direction, slope), the slopes that are known.  together: directions of all arguments at
    once, in the place of those, where there are many."""

    place: int
    upstream: dict[str, np.ndarray]
    arguments: dict[str, list[tuple[np.ndarray, Slope]]] = field(default_factory=dict)
    together: list[tuple[dict[str, np.ndarray], Slope]] = field(default_factory=list)


@cache
def pulls_of(exercise: Exercise) -> tuple[Pull, ...]:
    """Of every input of float64 without NaN and infinity, whose results have floats among them."""
    if not exercise.judges_gradients:
        return ()
    rng, found = np.random.default_rng(16), []
    for place, (case, right) in enumerate(zip(exercise.cases, outcomes_of(exercise, exercise.right), strict=True)):
        inputs = [one for _, one in leaves(case.arguments) if isinstance(one, np.ndarray) and one.dtype.kind == "f"]
        results = {path: one for path, one in leaves(right.value) if isinstance(one, float) or _is_float(one)}
        if right.raised or not inputs or not results or any(one.dtype != np.float64 for one in inputs):
            continue
        if all(np.isfinite(one).all() for one in inputs) and not any(np.isnan(one).any() for one in results.values()):
            drawn = {path: rng.standard_normal(np.shape(one)) for path, one in results.items()}
            found.append(Pull(place, {path: np.where(np.isfinite(results[path]), u, 0.0) for path, u in drawn.items()}))
    return tuple(found)


@cache
def slopes_of(exercise: Exercise) -> tuple[Pull, ...]:
    """The same with slopes along random directions."""
    rng = np.random.default_rng(61)
    return tuple(_with_slopes(exercise, pull, rng) for pull in pulls_of(exercise))


def _with_slopes(exercise: Exercise, pull: Pull, rng: np.random.Generator) -> Pull:
    arguments = exercise.cases[pull.place].arguments
    floats = {path: value for path, value in leaves(arguments) if _is_float(value) and value.size}
    if len(floats) > APART:
        moves = [
            {path: _size(v) * rng.standard_normal(v.shape) for path, v in floats.items()} for _ in range(DIRECTIONS)
        ]
        slopes = [(d, _slope_along(exercise.right, arguments, pull.upstream, d)) for d in moves]
        if all(slope is not None for _, slope in slopes):
            return Pull(pull.place, pull.upstream, {path: [] for path in floats}, slopes)  # type: ignore[arg-type]
    return apart(exercise, pull, rng)


def apart(exercise: Exercise, pull: Pull, rng: np.random.Generator, first: float = FIRST) -> Pull:
    """With slopes along directions of one argument after the other."""
    arguments = exercise.cases[pull.place].arguments
    found: dict[str, list[tuple[np.ndarray, Slope]]] = {}
    for path, value in leaves(arguments):
        if _is_float(value) and value.size:
            moves = [_size(value) * rng.standard_normal(value.shape) for _ in range(DIRECTIONS)]
            slopes = [(d, _slope_along(exercise.right, arguments, pull.upstream, {path: d}, first)) for d in moves]
            found[path] = [(d, slope) for d, slope in slopes if slope is not None]
    return Pull(pull.place, pull.upstream, found)


def gradient_of(exercise: Exercise, pull: Pull, path: str) -> np.ndarray | None:
    """The whole gradient for one argument, number by number; None where it has none."""
    arguments = exercise.cases[pull.place].arguments
    value = dict(leaves(arguments))[path]
    out = np.zeros(value.shape)
    for index in np.ndindex(*value.shape):
        one = np.zeros(value.shape)
        one[index] = 1.0
        size = _size(value)
        slope = _slope_along(exercise.right, arguments, pull.upstream, {path: size * one})
        if slope is None:
            return None
        out[index] = slope.value / size
    return out


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.floating) and value.dtype == np.float64


def _size(value: np.ndarray) -> float:
    """How far an argument may move."""
    spread, largest = float(np.std(value)), float(np.abs(value).max())
    return spread if spread > 1e-9 * largest else largest or 1.0


def _slope_along(
    function: Callable[..., Any],
    arguments: dict[str, Any],
    upstream: dict[str, np.ndarray],
    directions: dict[str, np.ndarray],
    first: float = FIRST,
) -> Slope | None:
    inputs = max(float(np.abs(one).max()) for _, one in leaves(arguments) if _is_float(one) and one.size)
    coarse = 1e-15 * inputs * max(float(np.abs(u).max(initial=0.0)) for u in upstream.values())

    def total(step: float) -> float:
        moved = mapped(
            lambda at, one: one + step * directions[at] if at in directions else copy.deepcopy(one), arguments
        )
        with np.errstate(all="ignore"):
            results = dict(leaves(kept(function(**moved))))
        return math.fsum(float(np.where(u == 0, 0.0, u * results[at]).sum()) for at, u in upstream.items())

    with np.errstate(all="ignore"):
        found = slope_at_0(total, coarse, first)
        return slope_at_0(total, coarse, SURE) if found is None and first > SURE else found


def slope_at_0(total: Callable[[float], float], coarse: float = 0.0, first: float = FIRST) -> Slope | None:
    """The derivative of a function of one number at 0; None where it has none, or none that can be found.

    coarse: how far the function's numbers may be off beyond their own rounding.  first: the largest step.
    """
    middle, rows = total(0.0), []  # type: ignore[var-annotated]
    best: Slope | None = None
    gaps: list[float] = []
    for level in range(LEVELS):
        step = first / SHRINK**level
        above, below = total(step), total(-step)
        gaps.append(abs((above - middle) - (middle - below)) / step)
        row = [(above - below) / (2 * step)]
        for order, before in enumerate(rows[-1] if rows else [], start=1):
            factor = SHRINK ** (2 * order)
            row.append((factor * row[-1] - before) / (factor - 1))
        noise = (coarse + 1e-15 * (abs(above) + abs(below) + abs(middle))) / step
        if rows:
            for here, beside, older in zip(row[1:], row[:-1], rows[-1], strict=True):
                error = max(abs(here - beside), abs(here - older)) + noise
                if math.isfinite(here) and (best is None or error < best.error):
                    best = Slope(here, error)
        rows.append(row)
    if best is None or not all(map(math.isfinite, gaps)):
        return None
    kink = gaps[-1] > 0.3 * gaps[0] and gaps[-1] > 1e-4 * abs(best.value) + 10 * noise
    return None if kink or best.error > 1e-4 * abs(best.value) + 1e3 * noise else best

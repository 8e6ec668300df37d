"""Draws a computed item until each of its mistakes gives a number of its own.

Where two mistakes give the same number, the misconception that a reader is told is a coin toss; where one gives the
right number, it goes unnoticed.  So `@told_apart` above a function of a numbers.py draws again until neither happens:

    @told_apart
    def weight_of_two(rng: np.random.Generator) -> NumberCase: ...

The function names all its mistakes in every drawing and leaves none out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

from lessons.quiz import BadCourseFile, EstimateCase, NumberCase, ShapeCase

if TYPE_CHECKING:
    import numpy as np

Case = TypeVar("Case", EstimateCase, NumberCase, ShapeCase)

TRIES = 1000


def told_apart(compute: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
    """Equal generators give equal drawings.  Raises BadCourseFile when no drawing of TRIES tells its mistakes apart."""

    @wraps(compute)
    def draw(rng: np.random.Generator) -> Case:
        for _ in range(TRIES):
            case = compute(rng)
            if is_told_apart(case):
                return case
        raise BadCourseFile(f"{compute.__name__}: in none of {TRIES} drawings do its mistakes give different numbers")

    return draw


def is_told_apart(case: NumberCase | ShapeCase) -> bool:
    """Whether no answer that could be typed is within the tolerance of two of the case's values, the right one too."""
    values = [case.answer, *(wrong.value for wrong in case.wrong)]
    if isinstance(case, ShapeCase):
        return len({value if isinstance(value, float | int) else tuple(value) for value in values}) == len(values)
    numbers = [float(value) for value in values if not isinstance(value, tuple)]
    if isinstance(case, EstimateCase):  # what is near a mistake is never accepted, and never near another one
        right, *others = numbers
        accepted = [abs(each - right) > case.tolerance * abs(right) + case.near * abs(each) for each in others]
        apart = [abs(a - b) > case.near * (abs(a) + abs(b)) for a, b in combinations(others, 2)]
        return all(accepted) and all(apart)
    reach = max(case.tolerance, 1e-9)
    return all(abs(a - b) > 2 * reach * max(abs(a) or 1.0, abs(b) or 1.0) for a, b in combinations(numbers, 2))

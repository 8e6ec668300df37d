"""When two results count as the same, and what would make the one the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise
from lessons.practice.trying import Outcome

#: relative to the largest number of the right result, by the type of the input
ROUNDING = {"float32": 2e-4, "float16": 2e-2}


@dataclass(frozen=True)
class Tolerance:
    """relative: to the largest number that is right.  least: the size below which such a number counts as rounding of
    what went in: a gradient that is 0 on paper is not 0 in floats."""

    relative: float
    least: float = 0.0


@cache
def tolerance_of(exercise: Exercise, place: int) -> Tolerance:
    """Of the coarsest array that goes in, and of the largest."""
    arrays = [value for value in exercise.cases[place].arguments.values() if isinstance(value, np.ndarray)]
    sizes = [float(np.abs(one[np.isfinite(one)]).max(initial=0.0)) for one in arrays if one.dtype.kind == "f"]
    types = {str(one.dtype) for one in arrays}
    relative = max([exercise.exact, *(ROUNDING[one] for one in types if one in ROUNDING)])
    return Tolerance(relative, 1e-6 * max(sizes, default=0.0))


def alike(one: Outcome, other: Outcome, tolerance: Tolerance) -> bool:
    """Whether two functions did the same with an input."""
    if one.raised or other.raised:
        return bool(one.raised and other.raised and _error(one) == _error(other))
    return _alike(one.value, other.value, tolerance)


def _error(outcome: Outcome) -> str:
    """The type of what was raised; shapes that do not fit are a ValueError in NumPy, and a RuntimeError in PyTorch."""
    assert outcome.raised is not None
    return "ValueError" if outcome.raised[0] == "RuntimeError" else outcome.raised[0]


def _alike(one: Any, other: Any, tolerance: Tolerance) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_alike(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if not all(isinstance(value, np.ndarray | int | float | complex) for value in (one, other)):
        return type(one) is type(other) and bool(one == other)
    a, b = np.asarray(one), np.asarray(other)
    return a.shape == b.shape and not differences(a, b, tolerance).any()


def differences(got: Any, right: Any, tolerance: Tolerance) -> Any:
    """True where two arrays of one shape differ: relative to the largest finite number that is right."""
    got, right = np.asarray(got), np.asarray(right)
    if right.dtype.kind in "biu" and got.dtype.kind in "biu":
        return got != right
    right, got = (
        right.astype(complex if "c" in right.dtype.kind else float),
        got.astype(complex if got.dtype.kind == "c" else float),
    )
    finite = np.isfinite(right)
    largest = max(float(np.abs(right[finite]).max(initial=0.0)), tolerance.least)
    with np.errstate(all="ignore"):
        near = np.abs(got - right) <= tolerance.relative * largest
    return ~np.where(finite & np.isfinite(got), near, (got == right) | (np.isnan(got) & np.isnan(right)))


def doctor(label: str, have: Any, want: Any) -> list[str]:
    """Of arrays of one shape: what would make the one the other."""
    a, b = have.astype(float).ravel(), want.astype(float).ravel()
    finite = np.isfinite(a).all() and np.isfinite(b).all()
    if a.size > 1 and finite and np.abs(a).max() > 0 and b @ b > 0:
        factor = float(a @ b / (b @ b))
        if factor and np.abs(a - factor * b).max() <= 1e-9 * np.abs(a).max():
            return [f"{label} is {factor:.6g} times what is right, everywhere."]
    if (
        have.ndim >= 2
        and have.shape[-1] == have.shape[-2]
        and not differences(np.swapaxes(have, -1, -2), want, Tolerance(1e-9)).any()
    ):
        return [f"{label} is the transpose of what is right."]
    return []

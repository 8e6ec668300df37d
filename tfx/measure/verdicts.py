"""Turns numbers into `Check`s: the verdict is always computed from measured, expected and tolerance.

A measurement that is not a number fails every one of these, because comparisons with NaN are false.  Python's `max`
and `min` may drop a NaN; `largest` and `smallest` do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx.backend import to_numpy
from tfx.records import Check


def agree(id: str, statement: str, measured: Any, expected: Any = 0.0, to: float = 1e-12) -> Check:
    """Holds when two numbers, or two arrays of one shape, differ nowhere by more than `to`.

    `measured` of the Check is their largest absolute difference.  expected may be one number for all of an array.
    Equal infinities differ by nothing.
    Raises ValueError for two shapes, and for arrays without entries, which would agree with anything.
    """
    difference = largest_difference(measured, expected)
    return Check(id, statement, 0.0, difference, to, difference <= to)


def near(id: str, statement: str, expected: float, measured: float, error: float, times: float = 5) -> Check:
    """Holds when measured lies within so many standard errors of what is expected."""
    holds = bool(abs(measured - expected) <= times * error)
    return Check(id, statement, expected, measured, f"{times:g} standard errors of {error:.2g}", holds)


def within(id: str, statement: str, expected: float, measured: float, tolerance: float) -> Check:
    """Holds when |measured - expected| <= tolerance."""
    return Check(id, statement, expected, measured, tolerance, bool(abs(measured - expected) <= tolerance))


def exactly(id: str, statement: str, expected: float | str, measured: float | str) -> Check:
    """Holds when measured equals expected, bit for bit."""
    return Check(id, statement, expected, measured, 0.0, bool(measured == expected))


def at_least(id: str, statement: str, bound: float, measured: float) -> Check:
    """Holds when measured >= bound."""
    return Check(id, statement, f">= {bound:g}", measured, "none", bool(measured >= bound))


def at_most(id: str, statement: str, bound: float, measured: float) -> Check:
    """Holds when measured <= bound."""
    return Check(id, statement, f"<= {bound:g}", measured, "none", bool(measured <= bound))


def between(id: str, statement: str, low: float, high: float, measured: float) -> Check:
    """Holds when low <= measured <= high."""
    return Check(id, statement, f"{low:g} .. {high:g}", measured, "none", bool(low <= measured <= high))


def largest_difference(measured: Any, expected: Any) -> float:
    """max |measured - expected|; NaN when a NaN is anywhere.  Shapes and errors as in `agree`."""
    a, b = (np.asarray(to_numpy(x), dtype=np.float64) for x in (measured, expected))
    if a.shape != b.shape and b.ndim > 0:
        raise ValueError(f"what is compared has two shapes: measured {a.shape}, expected {b.shape}")
    if a.size == 0:
        raise ValueError("there is nothing to compare: measured has no entries")
    with np.errstate(invalid="ignore"):
        return float(np.where(a == b, 0.0, np.abs(a - b)).max())  # inf - inf is NaN, and inf == inf


def largest(values: Iterable[float]) -> float:
    """The largest of some numbers; NaN when one of them is, which Python's max does not promise.

    Raises ValueError when there are none.
    """
    return float(np.max(np.fromiter(values, dtype=np.float64)))


def smallest(values: Iterable[float]) -> float:
    """The smallest of some numbers; NaN and errors as in `largest`."""
    return float(np.min(np.fromiter(values, dtype=np.float64)))

"""Turns numbers into `Check`s: the verdict is always computed from measured, expected and tolerance.

A measurement that is not a number fails every one of these, because comparisons with NaN are false.
"""

from __future__ import annotations

from tfx.records import Check


def within(id: str, statement: str, expected: float, measured: float, tolerance: float) -> Check:
    """Holds when |measured - expected| <= tolerance."""
    return Check(id, statement, expected, measured, tolerance, abs(measured - expected) <= tolerance)


def exactly(id: str, statement: str, expected: float | str, measured: float | str) -> Check:
    """Holds when measured equals expected, bit for bit."""
    return Check(id, statement, expected, measured, 0.0, measured == expected)


def at_least(id: str, statement: str, bound: float, measured: float) -> Check:
    """Holds when measured >= bound."""
    return Check(id, statement, f">= {bound:g}", measured, "none", measured >= bound)


def at_most(id: str, statement: str, bound: float, measured: float) -> Check:
    """Holds when measured <= bound."""
    return Check(id, statement, f"<= {bound:g}", measured, "none", measured <= bound)


def between(id: str, statement: str, low: float, high: float, measured: float) -> Check:
    """Holds when low <= measured <= high."""
    return Check(id, statement, f"{low:g} .. {high:g}", measured, "none", low <= measured <= high)

"""Functions that a made-up lesson shows: one that is short, and one that is not and has no short form."""

from __future__ import annotations


def short_one(x: float) -> float:
    """Doubles."""
    return 2 * x


def long_one(x: float) -> float:
    """Counts, in many lines of which one is longer than a terminal of eighty columns is wide."""
    total = 0.0
    total += x  # this remark is so long that it does not fit a terminal of eighty columns, so it goes on below itself
    total += x
    total += x
    total += x
    total += x
    total += x
    total += x
    total += x
    return total

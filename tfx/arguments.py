"""Numbers that arrive from outside: checked where they arrive, and named in the message.

A size that is not whole, or a rate that is NaN, would otherwise surface far away: as an index out of range, a division
by zero, or a model full of NaN.
"""

from __future__ import annotations

import math
import operator
from typing import Any


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """-> value as an int.  Raises TypeError unless it is a whole number, ValueError when it is below `least`."""
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if least is not None and whole < least:
        raise ValueError(f"{name} must be at least {least}, not {whole}")
    return whole


def number(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    """-> value as a float.  Raises TypeError unless it is a number, ValueError for NaN, infinity or outside the limits.

    least <= value <= most, and above < value < below.
    """
    try:
        real = math.fabs(value) and float(value)  # fabs takes numbers only; float takes text as well
    except TypeError:
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    if not math.isfinite(real) or not (least <= real <= most and above < real < below):
        raise ValueError(f"{name} must be {_limits(least, most, above, below)}, not {value}")
    return real


def _limits(least: float, most: float, above: float, below: float) -> str:
    """`at least 0 and below 1`; without limits, `finite`."""
    words = (("at least", least), ("above", above), ("at most", most), ("below", below))
    return " and ".join(f"{word} {limit:g}" for word, limit in words if math.isfinite(limit)) or "finite"

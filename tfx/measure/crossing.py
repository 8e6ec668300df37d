"""Where something begins: the first number that fails, and the place where one curve overtakes another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


def first_failure(fails: Callable[[float], bool], high: float) -> float:
    """The smallest a in (0, high] for which `fails`, by bisection to 1e-9; NaN when even `high` does not fail."""
    if not fails(high):
        return math.nan
    low = 0.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high


def crossing(x: Sequence[float], ratio: Sequence[float]) -> float:
    """The x from which a ratio stays at 1 or more, between two measured ones on log-log axes.

    x: ascending.  The first x when it does so everywhere; NaN when it does not at the largest.
    """
    ahead = [value >= 1 for value in ratio]
    if not ahead[-1]:
        return math.nan
    first = len(ahead) - ahead[::-1].index(False) if False in ahead else 0
    if first == 0:
        return float(x[0])
    share = -math.log(ratio[first - 1]) / math.log(ratio[first] / ratio[first - 1])
    return float(x[first - 1] * (x[first] / x[first - 1]) ** share)

"""The softmax of a * pattern in closed form: what `saturation` is judged against.

    p = 1 / sum_j exp(a (x_j - x_top))          dp/da = p^2 sum_j (x_top - x_j) exp(a (x_j - x_top))

p is the weight of the largest entry of the pattern x; for the pattern [1, 1, 2]  p = 1 / (1 + 2 e^-a).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def closed_top_weight(a: float, pattern: Sequence[float]) -> float:
    """p = 1 / sum_j exp(a (x_j - x_top))."""
    return 1.0 / sum(math.exp(a * (x - max(pattern))) for x in pattern)


def closed_slope(a: float, pattern: Sequence[float]) -> float:
    """dp/da = p^2 sum_j (x_top - x_j) exp(a (x_j - x_top)): nothing cancels, however sharp the row is."""
    top = max(pattern)
    return closed_top_weight(a, pattern) ** 2 * sum((top - x) * math.exp(a * (x - top)) for x in pattern)


def logits_in_words(pattern: Sequence[float]) -> str:
    """`[a, a, 2a]` for (1, 1, 2)."""
    return "[" + ", ".join("0" if x == 0 else "a" if x == 1 else f"{x:g}a" for x in pattern) + "]"

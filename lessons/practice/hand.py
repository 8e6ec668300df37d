"""One number worked out by hand, as a line of text with the numbers of an input."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.practice.comparing import number as six_digits
from lessons.practice.comparing import two_numbers


def number(value: Any) -> str:
    """With four digits."""
    return six_digits(value, 4)


def by_hand(*products: tuple[Any, Any], then: tuple[str, float] = ("", 1.0), shown: int = 4) -> str:
    """`0.1*0.2 + 0.8*0.7 = 0.58`.  then: what is done to the sum, in words and as a factor: (" / sqrt(8)", 8**-0.5).
    Only `shown` products stand in it."""
    total = sum(float(a) * float(b) for a, b in products) * then[1]
    parts = [f"{number(a)}*{number(b)}" for a, b in products[:shown]]
    text = " + ".join(parts) + (f" + ... ({len(products)} products)" if len(products) > shown else "")
    return f"{f'({text}){then[0]}' if then[0] else text} = {number(total)}"


def share_by_hand(scores: Any, seen: Any, place: int, shown: int = 4) -> str:
    """The softmax of one row at `place`: `exp(0.3 - 1.1) / (0.4493 + 1) = 0.31`."""
    if not seen[place] or scores[place] == -np.inf:
        return "exp(-inf) = 0"
    top = scores[seen].max()
    e = np.exp(scores[seen] - top)
    parts = " + ".join(map(number, e[:shown])) + (f" + ... ({len(e)} numbers)" if len(e) > shown else "")
    one, other = two_numbers(scores[place], top)
    return f"exp({one} - {other}) / ({parts}) = {number(np.exp(scores[place] - top) / e.sum())}"

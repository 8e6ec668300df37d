"""Known mistakes in tfx/efficient/iterative_inverse.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.iterative_inverse import IterativeInverseCache
from tfx.gradcheck.cases.efficient.iterative_inverse import iterative_inverse
from tfx.gradcheck.mistake import Mistake


def iterative_inverse_as_if_it_were_the_inverse(dz: Any, cache: IterativeInverseCache) -> Any:
    """dA = -Z^T dZ Z^T, which holds for the inverse itself: a few steps have not reached it."""
    z = cache.steps[-1].swapaxes(-1, -2)
    return -(z @ dz @ z)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="iterative_inverse",
        name="formula-of-the-true-inverse",
        says="as if it were the inverse",
        why="The derivative of a matrix inverse is known by heart, and the result is called an inverse.",
        hint="After so few steps, is A Z really the identity? Measure it.",
        problem=lambda rng: iterative_inverse(rng, 2),
        wrong_backward=iterative_inverse_as_if_it_were_the_inverse,
    ),
)

"""Known mistakes in tfx/efficient/iterative_inverse.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.iterative_inverse import IterativeInverseCache
from tfx.gradcheck.cases.efficient.iterative_inverse import iterative_inverse
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(iterative_inverse, n_iterations=2)
def formula_of_the_true_inverse(dz: Any, cache: IterativeInverseCache) -> Any:
    """As if it were the inverse.

    dA = -Z^T dZ Z^T, which holds for the inverse itself: a few steps have not reached it.

    Why: The derivative of a matrix inverse is known by heart, and the result is called an inverse.
    Hint: After so few steps, is A Z really the identity? Measure it.
    """
    z = cache.steps[-1].swapaxes(-1, -2)
    return -(z @ dz @ z)

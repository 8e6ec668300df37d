"""Does the output move along when the input moves?

A function is equivariant to a shift when shifting what goes in shifts what comes out:  f(shifted x) = shifted f(x).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def shift_error(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, by: int, moved: int, axis: int) -> float:
    """How far f(x, `by` places further along axis) is from f(x), `moved` places further, as a share of its size.

    Places wrap around, so x needs an empty margin.  0: the output moves along.  Sizes are roots of sums of squares.
    """
    before = f(x)
    after, expected = f(np.roll(x, by, axis)), np.roll(before, moved, axis)
    return float(np.linalg.norm(after - expected) / np.linalg.norm(before))

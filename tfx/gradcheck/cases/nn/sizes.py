"""Widths of the layers, and their input.

Small layers are checked element by element; blocks and stacks, which join what was checked already, by random
directions, one for each tensor.
"""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.cases.sizes import B, Rng, T

C, WIDE = 6, 9  # both 3 heads
DIRECTIONS = 1


def sequences(rng: Rng, length: int = T, width: int = C) -> np.ndarray:
    """(B, length, width)."""
    return rng.standard_normal((B, length, width))

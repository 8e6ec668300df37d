"""Emergent abilities: smooth progress looks like a jump when the measure is all or nothing.

    exact match of n tokens = p^n                p: accuracy of one token, errors independent

While p creeps from 0.5 to 0.95, p^20 stays at 0 and then shoots up.  The ability "appears" in the measure; in the model
it grew all along.
Source: Schaeffer, Miranda and Koyejo 2023, "Are Emergent Abilities of Large Language Models a Mirage?", section 2.
"""

from __future__ import annotations

import numpy as np


def expected_exact_match(token_accuracy: np.ndarray | float, length: int) -> np.ndarray:
    """The share of answers of that length that are right everywhere, if errors are independent."""
    return np.asarray(token_accuracy, dtype="float64") ** length


def largest_jump(curve: np.ndarray) -> float:
    """curve: (K,) values of a measure over growing models or training: the largest step as a share of the whole rise.

    Raises ValueError when the curve does not rise."""
    rise = float(curve[-1] - curve[0])
    if rise <= 0:
        raise ValueError("the curve does not rise")
    return float(np.diff(curve).max()) / rise

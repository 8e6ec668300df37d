"""Do two measures put things in the same order?

    tau = (pairs in the same order - pairs in opposite order) / pairs

1 is the same order, 0 no relation, -1 the opposite; a pair that ties in either measure counts for neither side.
Source: Kendall 1938, "A New Measure of Rank Correlation".
"""

from __future__ import annotations

import numpy as np


def kendall_tau(a: np.ndarray, b: np.ndarray) -> float:
    """a, b: (N,).  Raises ValueError for two lengths and for fewer than two things."""
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"an order needs two rows of the same two or more things, not {a.shape} and {b.shape}")
    first, second = np.triu_indices(len(a), 1)
    return float((np.sign(a[first] - a[second]) * np.sign(b[first] - b[second])).mean())

"""Which weights to keep: masks for pruning, True = keep.

    magnitude      the largest |w| of the whole matrix                 any pattern; needs sparse products to be faster
    n of m         of every m neighbouring inputs of a column the n largest        2 of 4: hardware skips the zeros
    structured     whole units (columns), by their length |w_j|        the matrix gets smaller, any hardware is faster

Removing w changes the loss by about  -dL/dw w + ...;  near a minimum the gradient is small, and without the second
derivatives the size of w is what is left to go by.  Ties go to the first.  A mask has no gradient; training goes on
with w * mask, and dw * mask keeps what was removed at 0.
Sources: Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks"; Mishra et al. 2021,
"Accelerating Sparse Deep Neural Networks" (2 of 4); Li et al. 2017, "Pruning Filters for Efficient ConvNets".
"""

from __future__ import annotations

from tfx.backend import Array, xp_of


def magnitude_mask(w: Array, sparsity: float) -> Array:
    """w: any shape -> boolean, round(sparsity size) of them False.  Raises ValueError for a sparsity outside 0 .. 1."""
    xp = xp_of(w)
    order = xp.argsort(-xp.abs(w).reshape(-1), kind="stable")
    keep = xp.zeros(w.size, dtype=bool)
    keep[order[: w.size - _removed(w.size, sparsity)]] = True
    return keep.reshape(w.shape)


def n_of_m_mask(w: Array, n: int = 2, m: int = 4) -> Array:
    """w: (I, J) -> boolean with n True in each m rows of a column.  Raises ValueError unless n <= m and m divides I."""
    if not 0 <= n <= m or m < 1:
        raise ValueError(f"{n} of {m} cannot be kept")
    if w.shape[0] % m:
        raise ValueError(f"{w.shape[0]} rows cannot be cut into groups of {m}")
    xp = xp_of(w)
    blocks = xp.abs(w).reshape(w.shape[0] // m, m, *w.shape[1:])
    rank = xp.argsort(xp.argsort(-blocks, axis=1, kind="stable"), axis=1, kind="stable")
    return (rank < n).reshape(w.shape)


def unit_mask(w: Array, sparsity: float) -> Array:
    """w: (I, J) -> (J,) boolean: the columns with the smallest sum of squares are False.  Raises as magnitude_mask."""
    return magnitude_mask((w * w).sum(axis=0), sparsity)


def _removed(size: int, sparsity: float) -> int:
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity is the share that is removed, 0 to 1, not {sparsity}")
    return round(sparsity * size)

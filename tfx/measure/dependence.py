"""Who depends on whom: change one input, run the model again, and mark every output that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tfx.measure.verdicts import largest_difference


def dependence(outputs: Callable[[np.ndarray], Iterable[np.ndarray]], ids: np.ndarray, other: int) -> np.ndarray:
    """outputs: ids (..., T) -> N vectors; ids: (T,) or (1, T) integers -> (N, T) bool: output n moves with input t.

    other: the id that takes the place of an input, one that stands nowhere in ids.  An output moves where it changes
    by more than 1e-12, or stops being a number; one that never was does not.  One that stays does so for this other id;
    where a mask hides an input it stays for every one.
    Raises ValueError when `other` stands in ids: put there, it would change nothing.
    """
    if (ids == other).any():
        raise ValueError(f"{other} stands in ids already: put there, it would change nothing")
    before, moved = list(outputs(ids)), []
    for place in range(ids.shape[-1]):
        changed = ids.copy()
        changed[..., place] = other
        after = outputs(changed)
        moved.append(
            [np.isfinite(b).all() and not largest_difference(a, b) <= 1e-12 for a, b in zip(after, before, strict=True)]
        )
    return np.array(moved).T

"""Which outputs of a model depend on which of its inputs, found by exchanging one input after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: An output that moves by no more than this stays: rounding, in float64.
STAYS = 1e-12


def dependence(outputs: Callable[[np.ndarray], np.ndarray], ids: np.ndarray, other: int) -> np.ndarray:
    """ids: (n,); outputs: (n,) -> (m, C), a row for each output -> (m, n) of 0 and 1: does the output at a row move
    when the token at a column is `other` instead?

    A 0 says that it did not move for this token; a mask makes it 0 for every other too.
    """
    right, columns = outputs(ids), []
    for place in range(len(ids)):
        changed = ids.copy()
        changed[place] = other
        columns.append(np.abs(outputs(changed) - right).max(axis=-1) > STAYS)
    return np.stack(columns, axis=1).astype(int)

"""Attention weights that are not the only ones: another row of weights with exactly the same output.

The output o = w V fixes Dv numbers, and the sum of w one more.  With S keys and S > Dv + 1 there are directions d with
d V = 0 and sum d = 0; along them the weights may change and the output cannot.  We walk so that the largest weight
falls, until some weight reaches 0, drop that key, and go on while a direction is left.
Sources: Jain and Wallace 2019, "Attention is not Explanation", section 4.2; the null space: Brunner et al. 2020, "On
Identifiability in Transformers".
"""

from __future__ import annotations

import numpy as np

#: Steps along a direction shorter than this change nothing.
_SHORT = 1e-9


def other_weights(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """weights: (S,), not negative, values: (S, Dv), float64 -> (S,) with the same sum and the same weights @ values.

    The key with the largest weight has the smallest one that this walk finds; equal to `weights` when there is no way.
    """
    top, found = int(weights.argmax()), weights.copy()
    fixed = np.concatenate([values, np.ones((len(values), 1))], axis=1)  # (S, Dv + 1): what must not move
    there = np.ones(len(weights), dtype=bool)
    for _ in range(len(weights)):
        if found[top] == 0.0:
            break
        basis = np.linalg.svd(fixed[there].T)[2][np.linalg.matrix_rank(fixed[there]) :]  # (free, keys there)
        direction = np.zeros_like(found)
        direction[there] = -basis.T @ basis[:, there[:top].sum()]  # the steepest way down for the largest weight
        if -direction[top] < _SHORT:
            break
        falling = there & (direction < -_SHORT)
        reach = np.where(falling, -found / np.where(falling, direction, -1.0), np.inf)
        found = np.maximum(found + reach.min() * direction, 0.0)
        gone = int(reach.argmin())
        found[gone], there[gone] = 0.0, False
    return found

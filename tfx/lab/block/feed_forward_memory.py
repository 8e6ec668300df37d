"""A feed-forward network read as a memory of keys and values.

    y = act(x W_1 + b_1) W_2 + b_2 = sum_i  c_i(x) v_i  +  b_2        c_i = act(x . k_i + b_1i)
    k_i: column i of W_1, v_i: row i of W_2

Each hidden unit is a slot: its key says for which inputs it speaks, its value what it then adds.  Attention is the same
sum, with softmax for the coefficients and with keys and values made of the text.  `with_slot` writes one more fact.
Source: Geva et al. 2021, "Transformer Feed-Forward Layers Are Key-Value Memories", section 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.feed_forward.activations import ACTIVATIONS


class Memory(NamedTuple):
    """keys: (F, C), thresholds: (F,), values: (F, C), offset: (C,); activation: by its name."""

    keys: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray
    offset: np.ndarray
    activation: str = "relu"

    def coefficients(self, x: np.ndarray) -> np.ndarray:
        """x: (..., C) -> (..., F): how strongly each slot answers."""
        return ACTIVATIONS[self.activation][0](x @ self.keys.T + self.thresholds)[0]

    def read(self, x: np.ndarray) -> np.ndarray:
        """x: (..., C) -> (..., C): the values, weighted."""
        return self.coefficients(x) @ self.values + self.offset


def with_slot(memory: Memory, key: np.ndarray, value: np.ndarray, width: float) -> Memory:
    """One slot more: it adds `value` where x = key, and nothing where (key - x) . key >= width |key|^2.

    Exact for "relu": the coefficient is relu((x . key / |key|^2 - 1) / width + 1), 1 at the key.
    Raises ValueError for another activation and for a width that is not positive.
    """
    if memory.activation != "relu" or width <= 0:
        raise ValueError(f"a slot is written for relu and a positive width, not {memory.activation} and {width}")
    direction = key / ((key @ key) * width)
    return memory._replace(
        keys=np.vstack([memory.keys, direction]),
        thresholds=np.append(memory.thresholds, 1 - 1 / width),
        values=np.vstack([memory.values, value]),
    )

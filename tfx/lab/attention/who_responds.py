"""Edit the query, the key or the value of one token, and count which rows of weights and which outputs move.

Row i of the weights is made of query i and of all keys, so an edited query moves its own row, an edited key moves every
row, and an edited value none; output i reads row i and all values.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1, equation 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.attention.scaled_dot_product import attention_forward

#: A weight or an output that changes by no more than this has not moved.
STILL = 1e-12


class Response(NamedTuple):
    """edited: "query", "key" or "value"; weight_rows, outputs: how many moved; largest: that of a weight."""

    edited: str
    weight_rows: int
    outputs: int
    largest: float


def responses(q: np.ndarray, k: np.ndarray, v: np.ndarray, at: int, by: float = 1.0) -> tuple[Response, ...]:
    """q, k: (T, D), v: (T, Dv), float64 -> what moves when `by` is added to row `at` of q, of k, and of v.

    Raises IndexError when there is no row `at`.
    """
    out, cache = attention_forward(q, k, v)
    change = np.zeros((len(q), 1))
    change[at] = by
    found = []
    for edited, parts in (("query", (q + change, k, v)), ("key", (q, k + change, v)), ("value", (q, k, v + change))):
        new_out, new = attention_forward(*parts)
        moved = abs(new.weights - cache.weights).max(axis=-1)  # (T,)
        outputs = int((abs(new_out - out).max(axis=-1) > STILL).sum())
        found.append(Response(edited, int((moved > STILL).sum()), outputs, float(moved.max())))
    return tuple(found)

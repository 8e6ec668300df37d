"""Attention with linear biases (ALiBi): the farther a key, the lower its score, and each head has its own slope.

    S_hij = q_hi . k_hj / sqrt(D) + m_h (j - i)            causal: j <= i, everything else is hidden by the mask
    S_hij = q_hi . k_hj / sqrt(D) - m_h |i - j|            symmetric, for encoders; the same wherever j <= i

The slopes are a geometric series, for H = 2^n heads m_h = 2^(-8h/H) with h = 1 .. H: 1/2, 1/4, ... 1/256 for eight.
For another H the paper's code takes the slopes of the next lower power of two, then every second one of the next
higher, until there are H.  Nothing is learned and nothing is added to the embeddings, so the bias has no backward, and
a model can be run on sequences that are longer than those it was trained on.

The paper is about causal models.  Some code adds m_h j alone there: that differs from m_h (j - i) by one number for
each row, and softmax does not see it.
Source: Press, Smith and Lewis 2022, "Train Short, Test Long: Attention with Linear Biases", section 3; slopes for any
number of heads: the code published with it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.positions.relative_offsets import every_offset, offset_bias_forward


def alibi_slopes(n_heads: int) -> tuple[float, ...]:
    """-> H slopes m_h.  Raises ValueError unless there is a head."""
    if n_heads < 1:
        raise ValueError(f"slopes are for 1 head or more, not {n_heads}")
    power = 2 ** int(math.log2(n_heads))
    slopes = [2.0 ** (-8.0 * h / power) for h in range(1, power + 1)]
    missing = n_heads - power
    slopes += [2.0 ** (-4.0 * h / power) for h in range(1, 2 * missing, 2)]  # every second one of 2 * power heads
    return tuple(slopes)


def alibi_bias(
    n_heads: int,
    n_queries: int,
    n_keys: int | None = None,
    past: int = 0,
    causal: bool = False,
    dtype: Any = "float64",
    xp: Any = np,
) -> Array:
    """-> (H, T, S) to be added to the scores, for query row i at place past + i; S is past + T unless told.

    causal: m_h (j - place), which rewards the future and needs the mask; else -m_h |place - j|.
    Raises ValueError unless there is a head.
    """
    n_keys = past + n_queries if n_keys is None else n_keys
    slopes = xp.asarray(alibi_slopes(n_heads), dtype="float64")
    offsets = every_offset(n_queries, n_keys, past, xp)
    table = (offsets if causal else -abs(offsets))[:, None] * slopes  # (T + S - 1, H)
    return offset_bias_forward(table.astype(dtype), n_queries, n_keys)[0]

"""Sandwich: the part of sinusoidal positions that sees only distances, used by itself as a bias.

When sinusoidal positions are added to the embeddings, the scores hold four products: token with token, token with
position twice, and position with position.  The last, p_i . p_j, depends on the distance alone, because
sin a sin b + cos a cos b = cos(a - b):

    p_i . p_j = sum_c cos((i - j) w_c)            w_c = base^(-2c / C), c = 0 .. C / 2 - 1

It is C / 2 at distance 0 and falls off (about) logarithmically.  Sandwich keeps only that term, brought down to 0 at
distance 0 and made gentler from head to head:

    bias_hij = (p_i . p_j - C / 2) / (8 h / H)    h = 1 .. H

C is free here; the paper takes 128.  Like ALiBi (ops/positions/alibi.py) it learns nothing and has no backward.
Source: Chi et al. 2023, "Dissecting Transformer Length Extrapolation via the Lens of Receptive Field Analysis",
section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.positions.relative_offsets import every_offset, offset_bias_forward
from tfx.ops.positions.sinusoids import angular_speeds


def sandwich_bias(
    n_heads: int,
    n_queries: int,
    n_keys: int | None = None,
    past: int = 0,
    width: int = 128,
    base: float = 10000.0,
    dtype: Any = "float64",
    xp: Any = np,
) -> Array:
    """-> (H, T, S) to be added to the scores; S is past + T unless told.  width: C of the sinusoids.

    Raises ValueError for an odd width, or when there is no head.
    """
    if n_heads < 1 or width % 2:
        raise ValueError(f"sandwich needs a head and an even width, not {n_heads} heads and width {width}")
    n_keys = past + n_queries if n_keys is None else n_keys
    offsets = every_offset(n_queries, n_keys, past, xp)
    closeness = xp.cos(offsets[:, None] * angular_speeds(width, base, xp)).sum(axis=-1) - width / 2  # (T + S - 1,)
    by_head = closeness[:, None] / (8.0 / n_heads * xp.arange(1, n_heads + 1))  # (T + S - 1, H)
    return offset_bias_forward(by_head.astype(dtype), n_queries, n_keys)[0]

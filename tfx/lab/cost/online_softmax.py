"""A softmax whose row passes by in blocks, and the numbers that travel when attention is computed in tiles.

After each block of scores s_j with values v_j

    m' = max(m, max_j s_j)
    l' = exp(m - m') l + sum_j exp(s_j - m')
    a' = exp(m - m') a + sum_j exp(s_j - m') v_j

and a / l at the end is the output.  tfx/efficient/tiled_attention.py does this for all queries of a tile at once.
Source: Milakov and Gimelshein 2018, "Online normalizer calculation for softmax", algorithm 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfx.efficient.tiles import spans


class Passed(NamedTuple):
    """What is known of the row so far.  top: m.  total: l.  weighted: a, (Dv,)."""

    top: float
    total: float
    weighted: np.ndarray


def online_softmax(scores: np.ndarray, v: np.ndarray, block: int) -> Iterator[Passed]:
    """scores: (S,), v: (S, Dv) -> what is known after each block of keys."""
    now = Passed(-math.inf, 0.0, np.zeros(v.shape[-1]))
    for keys in spans(len(scores), block):
        top = max(now.top, float(scores[keys].max()))
        shrink, weights = math.exp(now.top - top), np.exp(scores[keys] - top)
        now = Passed(top, shrink * now.total + float(weights.sum()), shrink * now.weighted + weights @ v[keys])
        yield now


def moved_step_by_step(n: int, d: int) -> int:
    """Numbers that travel between slow memory and the processor when each step reads and writes whole arrays, one head:
    Q K^T -> S, softmax(S) -> P, P V -> O."""
    return (2 * n * d + n * n) + 2 * n * n + (n * n + n * d + n * d)


def moved_in_tiles(n: int, d: int, queries: int) -> int:
    """... when a tile of so many queries meets all keys and values while its scores stay in fast memory: queries and
    outputs travel once, keys and values once for each tile."""
    return 2 * n * d + 2 * n * d * len(spans(n, queries))

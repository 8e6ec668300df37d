"""Hash routing: which expert works on a token is a fixed function of the token's id.

    expert = table[id]               a table of V numbers, drawn once and never trained

There is no router to train, no gate (it is 1) and no loss for balance; the same word always meets the same expert,
whatever stands around it.  Since nothing is chosen, nothing collapses.

How the table is made decides how even the load is.  A random one gives every expert as many ids, but ids are not
equally frequent; the balanced one deals them out from the most frequent down, each to the expert with least to do.
Nothing here is differentiable: ids are integers.
Source: Roller et al. 2021, "Hash Layers For Large Sparse Models", section 3.1.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.ops.basics.embedding import check_ids


def hash_experts(ids: Array, table: Array) -> Array:
    """ids: (...,) integers, table: (V,) integers -> experts: (...,).

    Raises TypeError when ids are not integers, ValueError for an id outside 0 .. V - 1 (on the host).
    """
    check_ids(ids, table.shape[0])
    xp = xp_of(table, ids)
    return xp.asarray(table)[xp.asarray(ids)]


def random_hash(vocabulary: int, n_experts: int, rng: np.random.Generator) -> np.ndarray:
    """-> table: (V,) integers: every expert gets V / E ids, up to one, whichever the draw gives it."""
    _check(n_experts)
    whole_number("the vocabulary", vocabulary, 0)
    return rng.permutation(np.arange(vocabulary) % n_experts)


def balanced_hash(frequencies: Array, n_experts: int) -> np.ndarray:
    """frequencies: (V,) how often each id occurs -> table: (V,), with loads as even as dealing them out makes them.

    The heaviest load exceeds the lightest by at most the largest frequency.
    """
    _check(n_experts)
    counts = np.asarray(frequencies)
    if counts.ndim != 1 or not ((counts >= 0) & (counts < math.inf)).all():
        raise ValueError(f"frequencies must be one finite number of at least 0 for each id, not {counts.shape}")
    table = np.zeros(counts.size, dtype=np.int64)
    loads: list[tuple[float, int]] = [(0.0, expert) for expert in range(n_experts)]
    for token in np.argsort(-counts, kind="stable").tolist():
        load, expert = heapq.heappop(loads)
        table[token] = expert
        heapq.heappush(loads, (load + float(counts[token]), expert))
    return table


def _check(n_experts: int) -> None:
    if whole_number("n_experts", n_experts) < 1:
        raise ValueError(f"a hash needs at least one expert to point to, not {n_experts}")

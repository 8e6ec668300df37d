"""Inputs in which everything meets everything: what is right along axis 0, and right for large scores, may be wrong for
large scores along axis 0.

    for about, (shape, dtype) in crossed({"a row": (5,), "3 x 4": (3, 4)}, {"": float, "float32": np.float32}):
        yield Given(about, {"x": rng.standard_normal(shape).astype(dtype)})

In the programs that Kuhn, Wallace and Gallo 2004 looked at ("Software Fault Interactions and Implications for Software
Testing", IEEE Transactions on Software Engineering 30(6)) failures came from combinations of few conditions.  What needs
three at once may still be missed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any


def crossed(*factors: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Words and values, one of each factor: every value meets every value of every other factor, in as few rows as a
    greedy choice finds.

    factors: words -> value; words may be "" for what is usual.  Yields "mixed: words, words" and the values in the
    order of the factors.
    """
    names = [list(one) for one in factors]
    waiting = {
        ((i, a), (j, b)): None for i, j in combinations(range(len(names)), 2) for a in names[i] for b in names[j]
    }
    used: Counter[tuple[int, str]] = Counter()
    while waiting:
        row: dict[int, str] = dict(next(iter(waiting)))
        for i, some in enumerate(names):
            if i not in row:
                gain = {a: sum(_pair((i, a), other) in waiting for other in row.items()) for a in some}
                row[i] = min(gain, key=lambda a: (-gain[a], used[i, a]))
        for pair in combinations(sorted(row.items()), 2):
            waiting.pop(pair, None)
        used.update(row.items())
        words = ", ".join(row[i] for i in range(len(names)) if row[i])
        yield f"mixed: {words or 'all as usual'}", tuple(one[row[i]] for i, one in enumerate(factors))


def _pair(one: tuple[int, str], other: tuple[int, str]) -> tuple[tuple[int, str], tuple[int, str]]:
    return (one, other) if one[0] < other[0] else (other, one)

"""Known mistakes in tfx/ops/basics/fertility.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.fertility import copies
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.fertility import CopySourcesCache, copy_sources_backward


def one_copy_counts(dy: Any, cache: CopySourcesCache) -> Any:
    """Each token takes the gradient of one of its copies: `=` where `+=` is meant."""
    dtable = np.zeros(cache.lookup.table.shape)
    dtable[cache.lookup.ids] = dy
    return dtable[:-1].reshape(cache.shape)


def the_end_counts(dy: Any, cache: CopySourcesCache) -> Any:
    """Places after the end of the target pass their gradient on to the first token."""
    ids, table = cache.lookup
    ids = np.where(ids == len(table) - 1, 0, ids)
    return copy_sources_backward(dy, cache._replace(lookup=cache.lookup._replace(ids=ids)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="copy_sources",
        name="one-copy-counts",
        says="of several copies one counts",
        why="An assignment by index is written where an addition is meant.",
        hint="What happens to a token that was copied three times?",
        problem=copies,
        wrong_backward=one_copy_counts,
    ),
    Mistake(
        op="copy_sources",
        name="filling-answers",
        says="the filling after the end has a gradient",
        why="Places after the end carry some index too, since an array has to be full.",
        hint="What do the places after the end of a target contain, and from where did it come?",
        problem=copies,
        wrong_backward=the_end_counts,
    ),
)

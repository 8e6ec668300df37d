"""Known mistakes in tfx/ops/basics/fertility.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.fertility import copies
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.fertility import CopySourcesCache, copy_sources_backward


@wrong_backward(copies, op="copy_sources")
def one_copy_counts(dy: Any, cache: CopySourcesCache) -> Any:
    """Of several copies one counts.

    Each token takes the gradient of one of its copies: `=` where `+=` is meant.

    Why: Assigning by index looks like the reverse of copying by index, and an assignment keeps the last value only.
    Hint: What happens to a token that was copied three times?
    """
    dtable = np.zeros(cache.lookup.table.shape)
    dtable[cache.lookup.ids] = dy
    return dtable[:-1].reshape(cache.shape)


@wrong_backward(copies, op="copy_sources")
def filling_answers(dy: Any, cache: CopySourcesCache) -> Any:
    """The filling after the end has a gradient.

    Places after the end of the target pass their gradient on to the first token.

    Why: Places after the end carry some index too, since an array has to be full.
    Hint: What do the places after the end of a target contain, and from where did it come?
    """
    ids, table = cache.lookup
    ids = np.where(ids == len(table) - 1, 0, ids)
    return copy_sources_backward(dy, cache._replace(lookup=cache.lookup._replace(ids=ids)))

"""Known mistakes in tfx/efficient/gathered_attention.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.gathered_attention import GatheredAttentionCache, gathered_attention_backward
from tfx.gradcheck.cases.efficient.gathered_attention import gathered
from tfx.gradcheck.mistake import Mistake


def gathered_without_adding_copies(dout: Any, cache: GatheredAttentionCache) -> Any:
    """A key that several blocks read gets the gradient of one of them: what plain assignment by index does."""
    dq, _, dv = gathered_attention_backward(dout, cache)
    table = cache.table
    once = table._replace(order=table.order[table.starts], starts=np.arange(len(table.starts)))
    _, dk_once, _ = gathered_attention_backward(dout, cache._replace(table=once))
    return dq, dk_once, dv


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gathered_attention",
        name="copies-not-added",
        says="copies of a key not added up",
        why="Assigning through an index array keeps one of the values wherever an index repeats.",
        hint="What does x[index] = values do when the same index appears twice?",
        problem=gathered,
        wrong_backward=gathered_without_adding_copies,
    ),
)

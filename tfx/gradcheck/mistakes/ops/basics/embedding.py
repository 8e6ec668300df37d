"""Known mistakes in tfx/ops/basics/embedding.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.embedding import embedding, tied_logits
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.embedding import EmbeddingCache, TiedLogitsCache, tied_logits_backward


@wrong_backward(embedding, repeated=True)
def repeated_id_overwrites(dy: Any, cache: EmbeddingCache) -> Any:
    """A repeated id overwrites.

    Why: Assigning by index looks like the reverse of reading by index, and in a short test no id comes twice.
    Hint: Which row of the table is read twice, and what should it receive?
    """
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = dy
    return dtable


@wrong_backward(tied_logits)
def last_sequence_only(dlogits: Any, cache: TiedLogitsCache) -> Any:
    """Only the last sequence counts.

    Why: A loop over the batch assigns the gradient of the table and does not add to it.
    Hint: Which sequences were compared with the table?
    """
    dx, _ = tied_logits_backward(dlogits, cache)
    return dx, dlogits[-1].T @ cache.x[-1]

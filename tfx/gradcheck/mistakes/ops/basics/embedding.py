"""Known mistakes in tfx/ops/basics/embedding.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.basics.embedding import embedding, tied_logits
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.embedding import EmbeddingCache, TiedLogitsCache, tied_logits_backward


def embedding_overwrites(dy: Any, cache: EmbeddingCache) -> Any:
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = dy
    return dtable


def tied_logits_last_sequence_only(dlogits: Any, cache: TiedLogitsCache) -> Any:
    dx, _ = tied_logits_backward(dlogits, cache)
    return dx, dlogits[-1].T @ cache.x[-1]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="embedding",
        name="repeated-id-overwrites",
        says="a repeated id overwrites",
        why="Assigning by index looks like the reverse of reading by index.",
        hint="Which row of the table is read twice, and what should it receive?",
        problem=partial(embedding, repeated=True),
        wrong_backward=embedding_overwrites,
    ),
    Mistake(
        op="tied_logits",
        name="last-sequence-only",
        says="only the last sequence counts",
        why="A loop over the batch assigns the gradient of the table and does not add to it.",
        hint="Which sequences were compared with the table?",
        problem=tied_logits,
        wrong_backward=tied_logits_last_sequence_only,
    ),
)

"""Known mistakes in tfx/ops/positions/relative_buckets.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.relative_buckets import BUCKETS, bucket_bias
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.embedding import EmbeddingCache


def bucket_bias_last_pair_wins(dbias: Any, cache: EmbeddingCache) -> Any:
    """Assigned instead of added: of all pairs in a bucket, one is left."""
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = np.moveaxis(dbias, 0, -1)
    return dtable


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="bucket_bias",
        name="last-pair-wins",
        says="the last pair of a bucket wins",
        why="Assigning by index keeps one value for each bucket and raises no error.",
        hint="How many pairs fall into the bucket of distance 1?",
        problem=partial(bucket_bias, buckets=BUCKETS),
        wrong_backward=bucket_bias_last_pair_wins,
    ),
)

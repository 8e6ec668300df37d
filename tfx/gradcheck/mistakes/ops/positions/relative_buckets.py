"""Known mistakes in tfx/ops/positions/relative_buckets.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.relative_buckets import BUCKETS, bucket_bias
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.embedding import EmbeddingCache


@wrong_backward(bucket_bias, buckets=BUCKETS)
def last_pair_wins(dbias: Any, cache: EmbeddingCache) -> Any:
    """The last pair of a bucket wins.

    Assigned instead of added: of all pairs in a bucket, one is left.

    Why: Assigning by index keeps one value for each bucket and raises no error.
    Hint: How many pairs fall into the bucket of distance 1?
    """
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = np.moveaxis(dbias, 0, -1)
    return dtable

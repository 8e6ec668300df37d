"""Known mistakes in tfx/ops/attention/additive_attention.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.additive_attention import additive_scores, additive_scores_ready_keys
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.additive_attention import AdditiveScoresCache, AdditiveScoresGrads, additive_scores_backward


@wrong_backward(additive_scores)
def tanh_not_undone(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    """db is taken behind the tanh.

    Why: The offset is added last in the line of the sum, and the tanh around that line is overlooked.
    Hint: Is the offset added inside the tanh or outside? Its gradient has to pass whatever comes after it.
    """
    right = additive_scores_backward(dscores, cache)
    dz = dscores[..., None] * cache.v
    return right._replace(db=dz.reshape(-1, dz.shape[-1]).sum(axis=0))


@wrong_backward(additive_scores_ready_keys, op="additive_scores")
def one_query_answers(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    """A key answers one query only.

    A key gets the gradient of the first query alone, although every query read it.

    Why: A key is one vector, and the gradient from one query has its shape already.
    Hint: How many queries are compared with the same key?
    """
    first = np.zeros_like(dscores)
    first[..., 0, :] = dscores[..., 0, :]
    return additive_scores_backward(dscores, cache)._replace(dk=additive_scores_backward(first, cache).dk)

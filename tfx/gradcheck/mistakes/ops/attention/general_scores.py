"""Known mistakes in tfx/ops/attention/general_scores.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.general_scores import concat_scores, dot_scores, general_scores
from tfx.gradcheck.cases.sizes import D
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.additive_attention import AdditiveScoresCache
from tfx.ops.attention.general_scores import (
    ConcatScoresGrads,
    DotScoresCache,
    DotScoresGrads,
    GeneralScoresCache,
    GeneralScoresGrads,
    concat_scores_backward,
    dot_scores_backward,
    general_scores_backward,
)


@wrong_backward(dot_scores, scale=0.3)
def scale_forgotten(dscores: Any, cache: DotScoresCache) -> DotScoresGrads:
    """The scale is forgotten.

    Why: With a scale of 1, the default here, nothing shows.
    Hint: By what is the dot product multiplied?
    """
    return dot_scores_backward(dscores, cache._replace(scale=1.0))


@wrong_backward(general_scores)
def first_row_only(dscores: Any, cache: GeneralScoresCache) -> GeneralScoresGrads:
    """dW of one row of the batch.

    Why: W has no batch axis, and a product of two matrices gives the right shape from one example.
    Hint: How many sequences of the batch used W?
    """
    right = general_scores_backward(dscores, cache)
    dquery = dot_scores_backward(dscores, cache.dot).dq
    return right._replace(dw=cache.query.x[0].T @ dquery[0])


@wrong_backward(concat_scores)
def halves_swapped(dscores: Any, cache: AdditiveScoresCache) -> ConcatScoresGrads:
    """dW with its two halves swapped.

    The rows of dW stand as if keys came before queries.

    Why: The weights for query and key are stacked in one matrix, in an order that is a convention.
    Hint: Which rows of W were multiplied with the query?
    """
    right = concat_scores_backward(dscores, cache)
    return right._replace(dw=np.concatenate((right.dw[D:], right.dw[:D])))

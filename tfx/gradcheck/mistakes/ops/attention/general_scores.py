"""Known mistakes in tfx/ops/attention/general_scores.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.general_scores import concat_scores, dot_scores, general_scores
from tfx.gradcheck.cases.sizes import D
from tfx.gradcheck.mistake import Mistake
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


def dot_scores_without_scale(dscores: Any, cache: DotScoresCache) -> DotScoresGrads:
    return dot_scores_backward(dscores, cache._replace(scale=1.0))


def general_scores_one_row(dscores: Any, cache: GeneralScoresCache) -> GeneralScoresGrads:
    """dW is taken from the first row of the batch alone."""
    right = general_scores_backward(dscores, cache)
    dquery = dot_scores_backward(dscores, cache.dot).dq
    return right._replace(dw=cache.query.x[0].T @ dquery[0])


def concat_scores_other_order(dscores: Any, cache: AdditiveScoresCache) -> ConcatScoresGrads:
    """The rows of dW stand as if keys came before queries."""
    right = concat_scores_backward(dscores, cache)
    return right._replace(dw=np.concatenate((right.dw[D:], right.dw[:D])))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="dot_scores",
        name="scale-forgotten",
        says="the scale is forgotten",
        why="With a scale of 1, the default here, nothing shows.",
        hint="By what is the dot product multiplied?",
        problem=partial(dot_scores, scale=0.3),
        wrong_backward=dot_scores_without_scale,
    ),
    Mistake(
        op="general_scores",
        name="first-row-only",
        says="dW of one row of the batch",
        why="W has no batch axis, and a product of two matrices gives the right shape from one example.",
        hint="How many sequences of the batch used W?",
        problem=general_scores,
        wrong_backward=general_scores_one_row,
    ),
    Mistake(
        op="concat_scores",
        name="halves-swapped",
        says="dW with its two halves swapped",
        why="The weights for query and key are stacked in one matrix, in an order that is a convention.",
        hint="Which rows of W were multiplied with the query?",
        problem=concat_scores,
        wrong_backward=concat_scores_other_order,
    ),
)

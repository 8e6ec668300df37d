"""Known mistakes in tfx/ops/attention/additive_attention.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.additive_attention import additive_scores, additive_scores_ready_keys
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.additive_attention import AdditiveScoresCache, AdditiveScoresGrads, additive_scores_backward


def additive_scores_tanh_not_undone(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    right = additive_scores_backward(dscores, cache)
    dz = dscores[..., None] * cache.v
    return right._replace(db=dz.reshape(-1, dz.shape[-1]).sum(axis=0))


def additive_scores_not_summed(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    """A key gets the gradient of the first query alone, although every query read it."""
    first = np.zeros_like(dscores)
    first[..., 0, :] = dscores[..., 0, :]
    return additive_scores_backward(dscores, cache)._replace(dk=additive_scores_backward(first, cache).dk)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="additive_scores",
        name="tanh-not-undone",
        says="db is taken behind the tanh",
        why="The offset is added last in the line of the sum, and the tanh around that line is overlooked.",
        hint="Is the offset added inside the tanh or outside? Its gradient has to pass whatever comes after it.",
        problem=additive_scores,
        wrong_backward=additive_scores_tanh_not_undone,
    ),
    Mistake(
        op="additive_scores",
        name="one-query-answers",
        says="a key answers one query only",
        why="Each key is one vector, and one row of gradients seems to belong to it.",
        hint="How many queries are compared with the same key?",
        problem=additive_scores_ready_keys,
        wrong_backward=additive_scores_not_summed,
    ),
)

"""Known mistakes in tfx/ops/basics/retrieval.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.basics.retrieval import scores
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.retrieval import RetrievalScoresCache, retrieval_scores_backward


def scale_forgotten(dscores: Any, cache: RetrievalScoresCache) -> Any:
    return retrieval_scores_backward(dscores, cache._replace(scale=1.0))


def documents_for_queries(dscores: Any, cache: RetrievalScoresCache) -> Any:
    """The first document's vector stands for all of them."""
    _, ddocuments = retrieval_scores_backward(dscores, cache)
    return dscores.sum(axis=1, keepdims=True) * cache.documents[:, 0], ddocuments


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="retrieval_scores",
        name="first-document-for-all",
        says="one document stands for all",
        why="Broadcasting makes a product with one document fit the shape of all.",
        hint="With which document was each score computed?",
        problem=scores,
        wrong_backward=documents_for_queries,
    ),
    Mistake(
        op="retrieval_scores",
        name="scale-forgotten",
        says="the scale is forgotten",
        why="A constant factor does not change the ranking, so it seems not to matter.",
        hint="What factor stood before the dot product?",
        problem=partial(scores, scale=0.3),
        wrong_backward=scale_forgotten,
    ),
)

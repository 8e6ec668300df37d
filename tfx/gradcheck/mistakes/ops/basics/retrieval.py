"""Known mistakes in tfx/ops/basics/retrieval.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.retrieval import scores
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.retrieval import RetrievalScoresCache, retrieval_scores_backward


@wrong_backward(scores, op="retrieval_scores")
def first_document_for_all(dscores: Any, cache: RetrievalScoresCache) -> Any:
    """One document stands for all.

    Why: With one document for a question, as in a first test, there is nothing to tell apart.
    Hint: With which document was each score computed?
    """
    _, ddocuments = retrieval_scores_backward(dscores, cache)
    return dscores.sum(axis=1, keepdims=True) * cache.documents[:, 0], ddocuments


@wrong_backward(scores, op="retrieval_scores", scale=0.3)
def scale_forgotten(dscores: Any, cache: RetrievalScoresCache) -> Any:
    """The scale is forgotten.

    Why: A constant factor does not change the ranking, so it seems not to matter.
    Hint: What factor stood before the dot product?
    """
    return retrieval_scores_backward(dscores, cache._replace(scale=1.0))

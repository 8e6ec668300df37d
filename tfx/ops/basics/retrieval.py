"""Retrieval by inner product: how well a document answers a question is the dot product of two vectors.

    s_z = q . d_z scale                  q: the question's vector, d_z: that of document z
    the K documents with the largest s_z are read

Derivation.  For the documents that were chosen, dq = scale sum_z ds_z d_z and dd_z = scale ds_z q.  The choice itself
is a step function of q and d: it has no gradient.  It may even be made with vectors that are out of date, as long as
the scores of the chosen ones are computed from fresh ones: searching a large store with stale vectors saves encoding
all of it after every step, and only the choice can be wrong.
The papers' scale is 1; 1 / sqrt(D), as in attention, keeps the first scores so small that several documents count.
Real stores hold millions of documents and search approximately; here the search is exact.
Sources: Lewis et al. 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", section 2.2; stale
vectors: Guu et al. 2020, "REALM", section 3.3.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class RetrievalScoresCache(NamedTuple):
    queries: Array
    documents: Array
    scale: float


def nearest_documents(queries: Array, index: Array, k: int) -> Array:
    """queries: (B, D), index: (N, D) -> (B, k) int64, the documents with the largest inner products, best first.

    Ties go to the earlier document.  Raises ValueError when the widths differ or there are fewer than k documents.
    """
    if queries.shape[-1] != index.shape[-1]:
        raise ValueError(f"queries have width {queries.shape[-1]} but the index has {index.shape[-1]}")
    if not 1 <= k <= index.shape[0]:
        raise ValueError(f"{k} documents are asked for but the store holds {index.shape[0]}")
    order = xp_of(queries).argsort(-(queries @ index.T), axis=-1, kind="stable")
    return order[:, :k]


@in_float32
def retrieval_scores_forward(
    queries: Array, documents: Array, scale: float = 1.0
) -> tuple[Array, RetrievalScoresCache]:
    """queries: (B, D), documents: (B, K, D), those chosen for each -> scores: (B, K), cache.

    Raises ValueError when the shapes do not fit.
    """
    if documents.ndim != 3 or (documents.shape[0], documents.shape[2]) != queries.shape:
        raise ValueError(f"queries are {queries.shape} but documents are {documents.shape}")
    scores = (documents @ queries[:, :, None])[:, :, 0] * scale
    return scores, RetrievalScoresCache(queries, documents, scale)


@in_float32
def retrieval_scores_backward(dscores: Array, cache: RetrievalScoresCache) -> tuple[Array, Array]:
    """dscores: (B, K) -> dqueries: (B, D), ddocuments: (B, K, D)."""
    queries, documents, scale = cache
    dscores = dscores * scale
    dqueries = (dscores[:, None, :] @ documents)[:, 0]  # scores = documents . query * scale, for every document
    ddocuments = dscores[:, :, None] * queries[:, None, :]
    return dqueries, ddocuments

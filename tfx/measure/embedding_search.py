"""Semantic search: documents as vectors, the nearest ones to the query's vector.

    similarity = cos(query, document)             an embedding puts what means the same near each other

A document's vector is the mean of its words' vectors; common words say little, so each word is weighted down by how
often it occurs, a / (a + p(w)) (Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def document_vectors(
    documents: Sequence[np.ndarray], vectors: np.ndarray, share: np.ndarray | None = None, a: float = 1e-3
) -> np.ndarray:
    """documents: arrays of word ids, none empty; vectors: (V, C); share: (V,), how often each word occurs in text.

    -> (N, C) of length 1.
    """
    weight = np.ones(len(vectors)) if share is None else a / (a + share)
    means = np.stack([(weight[ids, None] * vectors[ids]).mean(axis=0) for ids in documents])
    return means / np.maximum(np.sqrt((means * means).sum(axis=1, keepdims=True)), 1e-12)


def nearest(query: np.ndarray, documents: np.ndarray, k: int = 1) -> np.ndarray:
    """query: (Q, C), documents: (N, C), all of length 1 -> (Q, k) numbers of documents, the nearest first."""
    return np.argsort(-(query @ documents.T), axis=1, kind="stable")[:, :k]

"""A store of facts that is searched by words and read: what retrieval adds, where it errs, what a change does.

A document and a question become vectors with a place for each token: 0 where it does not stand, else how rare it is,

    idf = ln(documents / documents that hold it)

so that the score q . d is the sum of idf^2 over the tokens that both have.  A reader copies the value of a document: it
gives it the chance `trust`, and all values together share the rest.  Over the documents found

    p(answer) = sum over documents of p(document) p(answer | document)        p(document) = softmax of the scores

Source: Lewis et al. 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", section 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.data.facts import FactLanguage, fact_batch
from tfx.models import RetrievalReader
from tfx.ops.basics.retrieval import nearest_documents, retrieval_scores_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.train.retrieval import answer_loss

LANGUAGE = FactLanguage(n_entities=12, n_relations=5, n_values=10)


class Store(NamedTuple):
    """pairs: (N, 2) entity and relation, values: (N,) from 0; documents: (N, 4) token ids; vectors: (N, tokens)."""

    pairs: np.ndarray
    values: np.ndarray
    documents: np.ndarray
    vectors: np.ndarray
    idf: np.ndarray


def make_store(n: int, rng: np.random.Generator) -> Store:
    """n facts about different pairs, in a world of its own.  Raises ValueError for more pairs than there are."""
    every = np.argwhere(np.ones((LANGUAGE.n_entities, LANGUAGE.n_relations), dtype=bool))
    if not 1 <= n <= len(every):
        raise ValueError(f"there are {len(every)} pairs of entity and relation, not {n}")
    pairs = every[rng.permutation(len(every))[:n]]
    world = LANGUAGE.draw_values(rng)
    return stored(pairs, world[pairs[:, 0], pairs[:, 1]])


def stored(pairs: np.ndarray, values: np.ndarray) -> Store:
    """The store of these facts."""
    documents = LANGUAGE.documents(pairs, values)
    held = counts(documents)
    idf = np.log(len(documents) / np.maximum(held.sum(axis=0), 1))
    return Store(pairs, values, documents, held * idf, idf)


def counts(texts: np.ndarray) -> np.ndarray:
    """(n, T) token ids -> (n, tokens): 1 where a token stands in a text."""
    held = np.zeros((len(texts), LANGUAGE.n_tokens))
    held[np.arange(len(texts))[:, None], texts] = 1
    return held


def retriever_learns(retriever: bool, seed: int) -> float:
    """Size of the gradient of the question encoder of an untrained RetrievalReader, from answers alone.

    retriever: whether it is trained with the reader; nobody says which document is right.
    """
    rng = np.random.default_rng(seed)
    model = RetrievalReader(LANGUAGE.n_tokens, 16, 2, 32, 1, max_len=8, d_retrieval=8, n_retrieved=3, seed=seed)
    batch = fact_batch(LANGUAGE, LANGUAGE.draw_values(rng), LANGUAGE.pairs(held_out=False), rng, 8, 12)
    model.zero_grad()
    answer_loss(retriever)(model, batch, rng)
    grads = [p.grad for name, p in model.parameters().items() if name.startswith("query_encoder.")]
    return float(np.sqrt(sum((grad * grad).sum() for grad in grads)))


class Answered(NamedTuple):
    """found: (B, k) documents, best first; chances: (B, k) of these; answers: (B, values), p of each value."""

    found: np.ndarray
    chances: np.ndarray
    answers: np.ndarray


def answered(store: Store, questions: np.ndarray, k: int, trust: float = 0.9) -> Answered:
    """questions: (B, 3) token ids."""
    queries = counts(questions) * store.idf
    found = nearest_documents(queries, store.vectors, k)
    scores, _ = retrieval_scores_forward(queries, store.vectors[found])
    chances, _ = softmax_forward(scores)
    said = np.full((*found.shape, LANGUAGE.n_values), (1 - trust) / LANGUAGE.n_values)
    said += trust * np.eye(LANGUAGE.n_values)[store.values[found]]
    return Answered(found, chances, (chances[..., None] * said).sum(axis=1))

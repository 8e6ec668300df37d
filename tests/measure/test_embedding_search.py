"""Search by meaning: a query finds what means the same, though no word of it occurs there."""

from __future__ import annotations

import numpy as np

from tfx.data.toys.styles import Styles
from tfx.measure.embedding_search import document_vectors, nearest


def test_a_query_in_other_words_finds_its_document():
    """Words of the same meaning have near vectors, as contexts give them; a common word stands in every document."""
    toy, rng = Styles(n_meanings=30), np.random.default_rng(0)
    meanings = rng.standard_normal((30, 16))
    vectors = 0.3 * rng.standard_normal((toy.n_tokens + 1, 16))
    words = np.arange(toy.n_styles, toy.n_tokens)
    vectors[words] += meanings[toy.meaning(words)]
    common = toy.n_tokens
    vectors[common] *= 10
    share = np.full(toy.n_tokens + 1, 1e-3)
    share[common] = 0.5
    about = rng.permuted(np.tile(np.arange(30), (20, 1)), axis=1)[:, :4]
    documents, queries = (
        [np.append(toy.words()[style, row], [common] * repeats) for row in about] for style, repeats in ((0, 4), (1, 1))
    )
    found = nearest(document_vectors(queries, vectors, share), document_vectors(documents, vectors, share))[:, 0]
    assert (found == np.arange(20)).mean() > 0.9
    drowned = nearest(document_vectors(queries, vectors), document_vectors(documents, vectors))[:, 0]
    assert (drowned == np.arange(20)).mean() < (found == np.arange(20)).mean(), "without weights the common word rules"


def test_the_nearest_come_first():
    documents = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    np.testing.assert_array_equal(nearest(np.array([[0.8, 0.6]]), documents, k=3), [[1, 0, 2]])

"""Retrieval by inner product: who is found, in which order, and what the scores are."""

import numpy as np
import pytest

from tfx.ops.basics.retrieval import nearest_documents, retrieval_scores_backward, retrieval_scores_forward

RNG = np.random.default_rng(0)
QUERIES, INDEX = RNG.standard_normal((3, 4)), RNG.standard_normal((20, 4))


def test_the_nearest_are_found_best_first():
    found = nearest_documents(QUERIES, INDEX, 5)
    for query, row in zip(QUERIES, found, strict=True):
        ranked = sorted(range(20), key=lambda z: -float(query @ INDEX[z]))
        assert row.tolist() == ranked[:5]


def test_nearest_means_inner_product_and_not_distance():
    found = nearest_documents(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [5.0, 5.0]]), 1)
    assert found.tolist() == [[1]]


def test_ties_go_to_the_earlier_document():
    assert nearest_documents(QUERIES, np.zeros((6, 4)), 3).tolist() == [[0, 1, 2]] * 3


def test_scores_of_the_chosen_are_the_numbers_that_they_were_chosen_by():
    chosen = nearest_documents(QUERIES, INDEX, 5)
    scores, _ = retrieval_scores_forward(QUERIES, INDEX[chosen])
    np.testing.assert_allclose(scores, -np.sort(-(QUERIES @ INDEX.T), axis=1)[:, :5], rtol=1e-13)


def test_a_rising_score_pulls_question_and_document_towards_each_other():
    _, cache = retrieval_scores_forward(QUERIES, INDEX[nearest_documents(QUERIES, INDEX, 2)])
    dqueries, ddocuments = retrieval_scores_backward(np.array([[1.0, 0.0]] * 3), cache)
    np.testing.assert_array_equal(dqueries, cache.documents[:, 0])
    np.testing.assert_array_equal(ddocuments[:, 0], QUERIES)
    assert not ddocuments[:, 1].any()


def test_no_questions_give_no_scores():
    scores, cache = retrieval_scores_forward(np.zeros((0, 4)), np.zeros((0, 5, 4)))
    assert scores.shape == (0, 5) and nearest_documents(np.zeros((0, 4)), INDEX, 5).shape == (0, 5)
    assert [grad.shape for grad in retrieval_scores_backward(scores, cache)] == [(0, 4), (0, 5, 4)]


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="queries have width 4 but the index has 3"):
        nearest_documents(QUERIES, np.zeros((20, 3)), 2)
    with pytest.raises(ValueError, match="21 documents are asked for but the store holds 20"):
        nearest_documents(QUERIES, INDEX, 21)
    with pytest.raises(ValueError, match="0 documents are asked for"):
        nearest_documents(QUERIES, INDEX, 0)
    with pytest.raises(ValueError, match=r"queries are \(3, 4\) but documents are \(3, 2, 5\)"):
        retrieval_scores_forward(QUERIES, np.zeros((3, 2, 5)))

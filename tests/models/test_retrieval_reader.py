"""The retrieval-augmented reader: what it chooses, what it sums over, and where gradients can go."""

import numpy as np
import pytest

from tfx.models import build
from tfx.models.retrieval_reader import RetrievalReader, TextEncoder, answer_log_probs
from tfx.nn.block_settings import StackSettings
from tfx.nn.embedding import Embedding
from tfx.ops.basics.retrieval import nearest_documents
from tfx.ops.basics.softmax import softmax_forward

QUESTIONS = np.array([[0, 3, 5], [0, 4, 6]])
DOCUMENTS = np.array([[1, 3, 5, 7], [1, 4, 5, 8], [1, 3, 6, 9], [1, 4, 6, 7], [1, 2, 5, 9]])


def model(n_retrieved: int = 3, **settings) -> RetrievalReader:
    return RetrievalReader(
        10,
        d_model=12,
        n_heads=3,
        d_ff=16,
        d_retrieval=5,
        n_retrieved=n_retrieved,
        max_len=7,
        dtype="float64",
        **settings,
    )


def test_the_chosen_documents_are_the_nearest_and_their_scores_say_so():
    one = model()
    out, _ = one.forward(QUESTIONS, DOCUMENTS)
    queries = one.query_encoder.forward(QUESTIONS)[0]
    np.testing.assert_array_equal(out.chosen, nearest_documents(queries, one.index(DOCUMENTS), 3))
    assert (np.diff(out.scores, axis=1) <= 0).all()


def test_the_answer_is_the_sum_over_documents_and_its_probabilities_sum_to_one():
    one = model()
    out, _ = one.forward(QUESTIONS, DOCUMENTS)
    prior, words = softmax_forward(out.scores)[0], softmax_forward(out.logits)[0]
    want = (prior[:, :, None] * words).sum(axis=1)
    np.testing.assert_allclose(np.exp(one.answer(QUESTIONS, DOCUMENTS)), want, rtol=1e-12)
    np.testing.assert_allclose(np.exp(answer_log_probs(out)).sum(axis=1), 1, rtol=1e-12)


def test_the_order_of_the_store_does_not_matter():
    one = model()
    np.testing.assert_allclose(
        one.answer(QUESTIONS, DOCUMENTS[::-1].copy()), one.answer(QUESTIONS, DOCUMENTS), rtol=1e-12
    )


def test_a_stale_index_changes_the_choice_and_nothing_else():
    one, stale = model(), np.random.default_rng(0).standard_normal((5, 5))
    out, _ = one.forward(QUESTIONS, DOCUMENTS, index=stale)
    assert not np.array_equal(out.chosen, one.forward(QUESTIONS, DOCUMENTS)[0].chosen)
    again, _ = one.forward(QUESTIONS, DOCUMENTS, chosen=out.chosen)
    np.testing.assert_array_equal(again.scores, out.scores)
    np.testing.assert_array_equal(again.logits, out.logits)
    everything = model(n_retrieved=5)
    fresh, old = everything.answer(QUESTIONS, DOCUMENTS), everything.answer(QUESTIONS, DOCUMENTS, index=stale)
    np.testing.assert_allclose(old, fresh, rtol=1e-12)


def test_a_document_that_was_not_chosen_says_nothing():
    one, index = model(), model().index(DOCUMENTS)
    out, _ = one.forward(QUESTIONS[:1], DOCUMENTS, index)
    for z in range(5):
        changed = DOCUMENTS.copy()
        changed[z, 3] = 0
        after, _ = one.forward(QUESTIONS[:1], changed, index)
        assert np.array_equal(after.logits, out.logits) == (z not in out.chosen)


def gradients(one: RetrievalReader, part: str) -> float:
    """The largest gradient in one of the three encoders, the shared embedding aside."""
    found = one.parameters().items()
    return max(abs(p.grad).max() for name, p in found if name.startswith(part) and "embedding" not in name)


def test_scores_teach_the_retriever_and_logits_the_reader():
    for teaches_retriever in (True, False):
        one = model()
        out, cache = one.forward(QUESTIONS, DOCUMENTS)
        dscores, dlogits = np.ones_like(out.scores), np.ones_like(out.logits)
        dscores[:, 0], dlogits[..., 0] = -1, -1
        one.backward(dscores * teaches_retriever, dlogits * (not teaches_retriever), cache)
        for encoder in ("query_encoder", "document_encoder"):
            assert (gradients(one, encoder) > 0) == teaches_retriever
        assert (gradients(one, "reader") > 0) != teaches_retriever


def test_both_encoders_of_the_retriever_start_equal_and_are_not_the_same():
    one = model()
    query, document = one.query_encoder.parameters(), one.document_encoder.parameters()
    for name, parameter in query.items():
        np.testing.assert_array_equal(parameter.value, document[name].value)
        assert (parameter is document[name]) == ("embedding" in name)


def test_a_store_smaller_than_what_is_read_is_refused():
    with pytest.raises(ValueError, match="3 documents are asked for but the store holds 2"):
        model().forward(QUESTIONS, DOCUMENTS[:2])


def test_an_unknown_pooling_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="pool must be mean or first, not 'last'"):
        TextEncoder(Embedding(4, 6, rng), 3, "last", 5, StackSettings(6, 3, 8), rng)


def test_it_is_built_again_from_its_configuration():
    one = model(seed=3)
    np.testing.assert_array_equal(build(one.config).answer(QUESTIONS, DOCUMENTS), one.answer(QUESTIONS, DOCUMENTS))

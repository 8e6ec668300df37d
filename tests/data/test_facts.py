"""The store of facts: what a document says, what a question asks, and which pairs training never sees."""

import numpy as np
import pytest

from tfx.data.facts import ASK, FACT, FactLanguage, fact_batch

LANGUAGE = FactLanguage(n_entities=5, n_relations=3, n_values=4)
RNG = np.random.default_rng


def test_tokens_of_each_kind_have_ids_of_their_own():
    assert LANGUAGE.n_tokens == 2 + 5 + 3 + 4
    pairs = np.array([[0, 0], [4, 2]])
    assert LANGUAGE.questions(pairs).tolist() == [[ASK, 2, 7], [ASK, 6, 9]]
    assert LANGUAGE.documents(pairs, np.array([0, 3])).tolist() == [[FACT, 2, 7, 10], [FACT, 6, 9, 13]]
    assert LANGUAGE.answers(np.array([0, 3])).tolist() == [10, 13]


def test_training_pairs_and_held_out_pairs_are_all_pairs_and_share_none():
    training, held_out = ({tuple(pair) for pair in LANGUAGE.pairs(kind).tolist()} for kind in (False, True))
    assert training | held_out == {(e, r) for e in range(5) for r in range(3)} and not training & held_out
    assert held_out


def test_every_answer_stands_in_the_store_in_the_document_about_the_pair():
    batch = fact_batch(LANGUAGE, LANGUAGE.draw_values(RNG(0)), LANGUAGE.pairs(False), RNG(1), 40, 7)
    assert batch.questions.shape == (40, 3) and batch.documents.shape == (7, 4)
    for question, answer in zip(batch.questions, batch.answers, strict=True):
        about = batch.documents[(batch.documents[:, 1:3] == question[1:]).all(axis=1)]
        assert about[:, 3].tolist() == [answer]


def test_the_store_holds_given_pairs_only_and_says_what_is_true():
    values, pairs = LANGUAGE.draw_values(RNG(2)), LANGUAGE.pairs(True)
    batch = fact_batch(LANGUAGE, values, pairs, RNG(3), 4, len(pairs))
    np.testing.assert_array_equal(
        np.sort(batch.documents, axis=0), np.sort(LANGUAGE.documents(pairs, values[pairs[:, 0], pairs[:, 1]]), axis=0)
    )


def test_worlds_differ_by_seed_and_repeat_with_it():
    assert np.array_equal(LANGUAGE.draw_values(RNG(4)), LANGUAGE.draw_values(RNG(4)))
    assert not np.array_equal(LANGUAGE.draw_values(RNG(4)), LANGUAGE.draw_values(RNG(5)))


def test_a_store_larger_than_the_pairs_is_refused():
    with pytest.raises(ValueError, match="99 documents need as many pairs, but there are"):
        fact_batch(LANGUAGE, LANGUAGE.draw_values(RNG(0)), LANGUAGE.pairs(True), RNG(1), 4, 99)

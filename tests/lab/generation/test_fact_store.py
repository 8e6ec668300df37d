"""A store of facts: what is found, read and changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.lab.generation.fact_store import LANGUAGE, answered, counts, make_store, retriever_learns, stored

STORE = make_store(40, np.random.default_rng(0))


def test_rare_words_weigh_more():
    entity, relation = STORE.pairs[3]
    with_entity, with_relation = (STORE.pairs == STORE.pairs[3]).sum(axis=0)
    assert STORE.idf[2 + entity] == pytest.approx(math.log(40 / with_entity))
    assert STORE.idf[2 + LANGUAGE.n_entities + relation] == pytest.approx(math.log(40 / with_relation))
    assert (STORE.vectors > 0).sum() == (STORE.documents > 0).sum() - 40 and not STORE.idf[:2][
        1
    ]  # all begin with <fact>
    assert counts(np.array([[3, 3, 5]])).sum() == 2


def test_each_question_finds_its_document_and_the_answer_follows_a_change():
    questions = LANGUAGE.questions(STORE.pairs)
    found = answered(STORE, questions, 3)
    assert (found.found[:, 0] == np.arange(40)).all() and (found.answers.argmax(axis=1) == STORE.values).all()
    assert np.allclose(found.answers.sum(axis=1), 1) and np.allclose(found.chances.sum(axis=1), 1)
    changed = stored(STORE.pairs, (STORE.values + 1) % LANGUAGE.n_values)
    assert (answered(changed, questions, 3).answers.argmax(axis=1) == changed.values).all()
    with pytest.raises(ValueError, match="there are 60 pairs"):
        make_store(61, np.random.default_rng(0))


def test_the_retriever_learns_from_answers_when_it_is_trained():
    assert retriever_learns(True, 3) > 1e-3 and retriever_learns(False, 3) == 0

"""Two languages, one table: the texts are what they say, and a trained verb looks at its object in both."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.position.two_languages import NOUNS, VERBS, TwoLanguages, look


def test_a_text_is_a_mark_and_a_sentence_of_its_language():
    ids, targets, asked = TwoLanguages().draw(300, np.random.default_rng(0))
    seen = set()
    for row, wanted, where in zip(ids, targets, asked, strict=True):
        language = row[0] - NOUNS - VERBS
        subject, verb, object_ = row[1:] if language == 0 else row[[1, 3, 2]]
        assert subject < NOUNS and object_ < NOUNS <= verb < NOUNS + VERBS
        assert where.sum() == 1 and row[where.argmax()] == verb and wanted[where.argmax()] == object_
        seen.add(language)
    assert seen == {0, 1}


@pytest.mark.parametrize("seed", range(3))
def test_a_verb_looks_at_the_place_after_it_or_before_it_by_language(seed):
    looked = look(seed)
    assert looked.accuracy > 0.95 and looked.weights.sum(axis=1) == pytest.approx(1)
    assert looked.weights[0, 3] > 0.8 and looked.weights[1, 2] > 0.8
    assert looked.table.shape == (4, 32) and abs(looked.table - looked.before).max() > 0.05


def test_an_untrained_model_names_few_objects():
    assert look(0, steps=0).accuracy < 0.6

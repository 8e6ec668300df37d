"""Sentences of praise and blame: what changed copies of a few of them keep, and what they bring."""

import numpy as np
import pytest

from tfx.lab.training.augmented import (
    FILLER,
    OPINIONS,
    WORDS,
    changed,
    counted,
    sentences,
    told_apart,
)


def test_a_sentence_has_three_words_of_its_label_and_five_that_say_neither():
    ids, labels = sentences(50, np.random.default_rng(0))
    assert ids.shape == (50, 8) and {*labels.tolist()} == {0, 1}
    assert (ids[:, :3] // OPINIONS == labels[:, None]).all() and (ids[:, 3:] >= 2 * OPINIONS).all()


@pytest.mark.parametrize("way", ["none", "mask", "synonyms", "any word"])
def test_each_way_changes_what_it_says(way):
    rng = np.random.default_rng(1)
    ids, labels = sentences(400, rng)
    copy = changed(ids, way, 0.5, rng)
    same = copy == ids
    assert same.all() == (way == "none")
    if way == "mask":
        assert (copy[~same] == FILLER).all() and abs(same.mean() - 0.5) < 0.05
    if way == "synonyms":
        assert (copy[:, :3] // OPINIONS == labels[:, None]).all() and same[:, 3:].all()
    if way == "any word":
        assert (copy[:, :3] // OPINIONS == 1 - labels[:, None]).any() and copy.max() < WORDS


def test_words_are_counted_and_blanks_are_none():
    x = counted(np.array([[3, 3, FILLER], [0, 1, WORDS - 1]]))
    assert x.shape == (2, WORDS) and x[0, 3] == 2 and x.sum(axis=1).tolist() == [2, 3]


def test_with_few_sentences_synonyms_help_and_with_many_nothing_is_left_to_gain():
    few = {way: np.mean([told_apart(way, 10, 0.3, (5, i)) for i in range(2)]) for way in ("none", "synonyms")}
    assert few["synonyms"] > few["none"] + 0.05
    assert told_apart("none", 400, 0.3, (5, 0)) > 0.98

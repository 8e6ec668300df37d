"""Sentence pairs: what follows, what does not, and how a pair is packed."""

import numpy as np
import pytest

from tfx.data import sentence_pairs as language
from tfx.data.sentence_pairs import ANSWERS, ID_OF, IS_NEXT, NOT_NEXT, VOCABULARY, WRONG, sentence_pairs

N = 2000


def sample(wrong="random", held_out=False, n=N):
    return sentence_pairs(n, np.random.default_rng(0), wrong, held_out)


def sentences(pairs):
    """Unpacked again by the separators alone: (first words, second words, label) of each pair."""
    for row, length, label in zip(pairs.ids, pairs.lengths, pairs.labels, strict=True):
        words = [VOCABULARY[i] for i in row[:length]]
        first, second, rest = " ".join(words[1:]).split("[SEP]")
        assert words[0] == "[CLS]" and rest == ""
        yield first.split(), second.split(), label


def follows(first, second):
    """The rule of the language."""
    a, verb, b = first[-3:]
    return verb in ANSWERS and second[-3:] == [b, ANSWERS[verb], a]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("held_out", [False, True])
def test_the_label_says_whether_the_second_sentence_follows_from_the_first(wrong, held_out):
    for first, second, label in sentences(sample(wrong, held_out)):
        assert follows(first, second) == (label == IS_NEXT)


@pytest.mark.parametrize("wrong", WRONG)
def test_half_of_the_pairs_are_real(wrong):
    assert abs((sample(wrong).labels == IS_NEXT).mean() - 0.5) < 4 * 0.5 / N**0.5


def test_turned_roles_are_wrong_by_their_order_alone():
    for first, second, label in sentences(sample("roles")):
        a, verb, b = first[-3:]
        assert sorted(second[-3:]) == sorted([a, ANSWERS[verb], b])
        assert second[-3:] == ([a, ANSWERS[verb], b] if label == NOT_NEXT else [b, ANSWERS[verb], a])


def test_sentences_in_the_wrong_order_are_a_real_pair_turned_round():
    for first, second, label in sentences(sample("order")):
        assert follows(*((second, first) if label == NOT_NEXT else (first, second)))


def test_segments_tell_the_two_sentences_apart_and_padding_is_nought():
    pairs = sample(n=50)
    for row, segments, length in zip(pairs.ids, pairs.segments, pairs.lengths, strict=True):
        first = row.tolist().index(ID_OF["[SEP]"]) + 1
        assert segments.tolist() == [0] * first + [1] * (length - first) + [0] * (len(row) - length)
        assert row[length - 1] == ID_OF["[SEP]"] and not row[length:].any()
    assert len(set(pairs.lengths.tolist())) > 1


def test_a_pair_is_packed_word_by_word():
    packed = language.pack_pairs([(("anna", "calls", "ben"), ("then", "ben", "answers", "anna"))])
    assert " ".join(VOCABULARY[i] for i in packed.ids[0]) == "[CLS] anna calls ben [SEP] then ben answers anna [SEP]"
    assert packed.segments[0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert packed.lengths.tolist() == [10]


def test_no_couple_of_names_is_both_trained_and_tested():
    trained, tested = (
        {frozenset((first[-3], first[-1])) for first, _, label in sentences(sample(held_out=side)) if label == IS_NEXT}
        for side in (False, True)
    )
    assert trained and tested and not trained & tested
    assert {name for couple in trained for name in couple} == set(language.NAMES), "but every name is trained"
    assert 0.1 < len(language.couples(True)) / len(language.couples(True) + language.couples(False)) < 0.3


def test_the_same_seed_gives_the_same_pairs():
    first, same = sample(n=30), sample(n=30)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert sample(n=0).ids.shape == (0, 0)


def test_what_the_language_does_not_know_is_named():
    with pytest.raises(ValueError, match="zebra"):
        language.pack_pairs([(("zebra",), ("anna",))])
    with pytest.raises(ValueError, match="'swapped'"):
        sample("swapped")

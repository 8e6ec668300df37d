"""BLEU against the examples of its paper and sums by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.measure.bleu import bleu

REFERENCES = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]]


def test_a_repeated_word_counts_only_as_often_as_in_one_reference():
    """Papineni et al. 2002, section 2.1: the modified unigram precision of seven times "the" is 2/7."""
    result = bleu([["the", "the", "the", "the", "the", "the", "the"]], [REFERENCES])
    assert result.precisions[0] == 2 / 7
    assert result.score == 0, "no pair of words occurs"


def test_the_same_sentence_scores_one():
    assert bleu([REFERENCES[0]], [REFERENCES]) == (1.0, (1.0, 1.0, 1.0, 1.0), 1.0)


def test_sums_by_hand():
    """a b c d e f against a b c d x: 4 of 6, 3 of 5, 2 of 4, 1 of 3; longer than the reference, so no penalty."""
    result = bleu([list("abcdef")], [[list("abcdx")]])
    assert result.precisions == (4 / 6, 3 / 5, 2 / 4, 1 / 3)
    assert result.score == pytest.approx((4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_short_translations_are_penalised_and_the_nearest_reference_is_taken():
    result = bleu([list("abcd")], [[list("abcdefgh"), list("abcdef")]])
    assert result.brevity == pytest.approx(math.exp(1 - 6 / 4))
    assert bleu([list("abcd")], [[list("abcde"), list("abc")]]).brevity == 1, "of two equally near the shorter one"


def test_counts_are_summed_over_the_corpus_before_dividing():
    result = bleu([list("ab"), list("wxyz")], [[list("ab")], [list("wxyq")]], max_n=1)
    assert result.precisions == (5 / 6,)


@pytest.mark.parametrize(("translations", "references"), [([], []), ([["a"]], []), ([["a"]], [[]])])
def test_nothing_to_compare_is_refused(translations, references):
    with pytest.raises(ValueError, match="reference"):
        bleu(translations, references)


def test_an_empty_translation_scores_nothing():
    assert bleu([[]], [[["a"]]]).score == 0


WORDS = ["the", "cat", "sat", "on", "the", "mat"]


@pytest.mark.parametrize(
    ("translations", "references", "said"),
    [
        (
            [WORDS],
            [WORDS],
            r"references\[0\]\[0\] must be a list of tokens, not 'the'; one reference is",
        ),
        ([" ".join(WORDS)], [[WORDS]], r"translations\[0\] must be a list of tokens, not 'the cat sat on the mat'"),
        ([WORDS], [" ".join(WORDS)], r"references\[0\] must be a list of sentences, not the str 'the cat"),
        ([[1, 2]], [[1, 2]], r"references\[0\]\[0\] must be a list of tokens, not 1"),
        ([WORDS], [[[WORDS]]], r"references\[0\]\[0\] must be a list of tokens, but it holds the list \['the'"),
        ([[WORDS]], [[WORDS]], r"translations\[0\] must be a list of tokens, but it holds the list \['the'"),
    ],
)
def test_another_nesting_is_refused_in_words(translations, references, said):
    with pytest.raises(TypeError, match=said):
        bleu(translations, references)


def test_arrays_of_ids_are_sentences_too():
    assert bleu([np.array([1, 2, 3, 4])], [[np.array([1, 2, 3, 4])]]).score == 1

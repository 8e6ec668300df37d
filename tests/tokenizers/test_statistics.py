"""Fertility and compression."""

import pytest

from tests.tokenizers.corpora import python_topics
from tfx.tokenizers import BPE, ByteTokenizer, CharacterTokenizer, WordPiece, measure


def test_counts_are_those_of_the_corpus():
    found = measure(CharacterTokenizer("ab "), ["ab b\u00e9", "a"])
    assert found == (2, 3, 6, 7, 6, 1, 4)
    assert found.fertility == 2 and found.compression == pytest.approx(7 / 6) and found.unknown == pytest.approx(1 / 6)


def test_the_byte_tokenizer_has_one_byte_per_token():
    assert measure(ByteTokenizer(), "any \u20ac text").compression == 1


def test_words_that_are_tokens_have_a_fertility_of_one():
    assert measure(WordPiece(["the", "cat"]), "the cat the").fertility == 1


def test_a_larger_vocabulary_means_fewer_tokens_and_more_bytes_in_each():
    corpus = python_topics()[:6]
    small, large = (measure(BPE.train(corpus, size), corpus) for size in (200, 600))
    assert small.fertility > large.fertility > 1
    assert small.compression < large.compression


def test_what_is_per_nothing_is_refused():
    with pytest.raises(ValueError, match="there is no word"):
        _ = measure(ByteTokenizer(), "  ").fertility
    blank = measure(WordPiece(["a"]), "  ")
    with pytest.raises(ValueError, match="there is no token"):
        _ = blank.compression
    assert blank.unknown == 0
    with pytest.raises(ValueError, match="the corpus holds no text"):
        measure(ByteTokenizer(), [])

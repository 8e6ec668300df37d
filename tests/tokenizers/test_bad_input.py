"""Tokenizers name what is no text, no id and no vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx.tokenizers.bpe import BPE
from tfx.tokenizers.byte import ByteTokenizer
from tfx.tokenizers.byte_level_bpe import ByteLevelBPE
from tfx.tokenizers.character import CharacterTokenizer
from tfx.tokenizers.unigram import Unigram
from tfx.tokenizers.wordpiece import WordPiece

CORPUS = "low lower lowest new newer newest wide wider widest"
SIZE = {BPE: 40, ByteTokenizer: 256, ByteLevelBPE: 280, CharacterTokenizer: 20, WordPiece: 40, Unigram: 40}
LEARNING = [kind for kind in SIZE if kind is not ByteTokenizer]

every_kind = pytest.mark.parametrize("kind", SIZE)
every_learning_kind = pytest.mark.parametrize("kind", LEARNING)


@every_learning_kind
@pytest.mark.parametrize("corpus", ["", [], ["", ""]])
def test_there_is_nothing_to_learn_from_no_text(kind, corpus):
    with pytest.raises(ValueError, match="the corpus holds no text"):
        kind.train(corpus, SIZE[kind])


@every_learning_kind
@pytest.mark.parametrize("corpus", [None, 5, b"bytes", [b"bytes"], [1, 2], Path("corpus.txt")])
def test_a_corpus_is_made_of_text(kind, corpus):
    with pytest.raises(TypeError, match="a corpus is"):
        kind.train(corpus, SIZE[kind])


@every_kind
@pytest.mark.parametrize(("size", "error"), [(-1, ValueError), (0, ValueError), (1, ValueError), (2.5, TypeError)])
def test_a_vocabulary_smaller_than_the_alphabet_is_refused(kind, size, error):
    with pytest.raises(error, match="vocab_size"):
        kind.train(CORPUS, size)


@every_kind
@pytest.mark.parametrize("special", ["<end>", None, 5])
def test_special_tokens_are_given_one_by_one_and_not_taken_letter_by_letter(kind, special):
    with pytest.raises(TypeError, match="special tokens are a list of str"):
        kind.train(CORPUS, SIZE[kind], special=special)


@every_kind
@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([10**6], ValueError, "id 1000000 is outside the vocabulary"),
        ([-1], ValueError, "id -1 is outside the vocabulary"),
        ([1.0], TypeError, "an id must be a whole number, not 1.0"),
        (["a"], TypeError, "an id must be a whole number, not 'a'"),
        ([[0]], TypeError, "an id must be a whole number"),
        (None, TypeError, "ids are a sequence of integers, not None"),
        (5, TypeError, "ids are a sequence of integers, not 5"),
    ],
)
def test_only_ids_of_the_vocabulary_are_decoded(kind, ids, error, message):
    with pytest.raises(error, match=message):
        kind.train(CORPUS, SIZE[kind]).decode(ids)


@every_kind
@pytest.mark.parametrize("text", [None, b"low", 5, ["low"]])
def test_only_a_str_is_encoded(kind, text):
    with pytest.raises(TypeError, match="text is a str"):
        kind.train(CORPUS, SIZE[kind]).encode(text)


@every_kind
def test_a_nul_is_a_character_like_any_other(kind):
    tokenizer = kind.train("a\0b a\0b", SIZE[kind])
    assert tokenizer.decode(tokenizer.encode("a\0b")) == "a\0b"


@pytest.mark.parametrize("kind", [ByteTokenizer, ByteLevelBPE])
def test_a_lone_surrogate_that_is_no_byte_is_named(kind):
    tokenizer = kind.train(CORPUS, SIZE[kind])
    with pytest.raises(UnicodeEncodeError, match="a lone surrogate stands for no byte"):
        tokenizer.encode("a\ud800b")
    with pytest.raises(TypeError, match="data is bytes, not str"):
        tokenizer.encode_bytes("a")


@pytest.mark.parametrize("kind", [BPE, WordPiece, Unigram, CharacterTokenizer])
def test_over_characters_a_lone_surrogate_is_an_unknown_character(kind):
    tokenizer = kind.train(CORPUS, SIZE[kind])
    assert tokenizer.id_of[kind.unknown] in tokenizer.encode("a\ud800b")


def test_what_a_tokenizer_is_built_from_is_checked():
    with pytest.raises(ValueError, match="a merge joins two tokens"):
        BPE(["a", "b"], [("a", "b", "a")])
    with pytest.raises(ValueError, match="the alphabet has a character twice"):
        BPE(["a", "a"], [])
    with pytest.raises(ValueError, match="a merge joins two tokens"):
        ByteLevelBPE([("a",)])
    with pytest.raises(ValueError, match="'ab' is not one character"):
        CharacterTokenizer(["ab"])


@pytest.mark.parametrize("setting", ["seed_size", "longest"])
@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_the_sizes_of_unigram_training_are_whole_and_above_0(setting, value, error):
    with pytest.raises(error, match=f"{setting} must be"):
        Unigram.train(CORPUS, 40, **{setting: value})


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (1.5, TypeError)])
def test_the_best_cuts_are_so_many(n, error):
    with pytest.raises(error, match="n must be"):
        Unigram.train(CORPUS, 40).n_best("low", n)

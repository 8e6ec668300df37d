"""The character tokenizer."""

import pytest

from tfx.tokenizers import CharacterTokenizer


def test_ids_follow_the_code_points():
    tokenizer = CharacterTokenizer.train(["cab", "\u00e9 b"], special=["<end>"])
    assert tokenizer.tokens == ("<unk>", "<end>", " ", "a", "b", "c", "\u00e9")
    assert tokenizer.encode("bad") == [4, 3, 0]
    assert tokenizer.decode([4, 3, 0]) == "ba<unk>"


def test_a_smaller_vocabulary_keeps_the_most_frequent_characters():
    tokenizer = CharacterTokenizer.train("zzzyybbaa", 4)
    assert tokenizer.tokens == ("<unk>", "a", "b", "z")  # y, a and b tie: the lower code points stay


def test_a_vocabulary_without_room_for_a_character_is_refused():
    with pytest.raises(ValueError, match="vocab_size 1 is smaller than the 2 tokens"):
        CharacterTokenizer.train("ab", 1)
    assert CharacterTokenizer.train("ab", 2).tokens == ("<unk>", "a")

"""The word tokenizer: readable, total on any text, and true to the reader's own spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx.data.words import END, MARK, UNKNOWN, WordTokenizer, learn_vocabulary
from tfx.errors import BadInput

TEXTS = ["the cat is running in the garden", "the dog was running and jumping", "walking, talking: the talking cat"]
TOKENIZER = WordTokenizer(learn_vocabulary(TEXTS * 3, n_words=6, n_pieces=10))


def test_frequent_words_stay_whole_and_others_show_their_pieces():
    texts = [token.text for token in TOKENIZER.encode("The singing cat")]
    assert texts[0] == "the" and texts[-1] == "cat"
    inside = texts[1:-1]
    assert not inside[0].startswith(MARK) and all(text.startswith(MARK) for text in inside[1:])
    assert "".join(text.removeprefix(MARK) for text in inside) == "singing"


def test_the_longest_piece_is_taken_first():
    tokenizer = WordTokenizer([UNKNOWN, END, "a", "ab", "##b", "##c", "##bc", "##bcd", "##d"])
    assert [t.text for t in tokenizer.encode("abcd")] == ["ab", "##c", "##d"]
    assert [t.text for t in tokenizer.encode("abcbcd")] == ["ab", "##c", "##bcd"]


@given(st.text(max_size=60))
def test_surfaces_give_back_every_visible_character_of_any_text(text):
    tokens = TOKENIZER.encode(text)
    assert "".join(t.surface for t in tokens) == "".join(c for c in text if not c.isspace())
    assert all(text[t.start : t.start + len(t.surface)] == t.surface for t in tokens)
    assert all(TOKENIZER.vocabulary[t.id] == t.text for t in tokens)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_printable_ascii_is_never_unknown_and_comes_back_lower_cased(text):
    tokens = TOKENIZER.encode(text)
    assert UNKNOWN not in [t.text for t in tokens]
    assert TOKENIZER.decode(t.id for t in tokens).replace(" ", "") == "".join(text.lower().split())


def test_words_of_plain_text_round_trip_with_their_spaces():
    text = "the cat was jumping in 2024"
    assert TOKENIZER.decode(t.id for t in TOKENIZER.encode(text)) == text


@pytest.mark.parametrize("text", ["\u65e5\u672c\u8a9e", "\U0001f600", "na\u00efve", "\u0130stanbul", "e\u0301", "\x00"])
def test_characters_outside_the_vocabulary_become_unknown(text):
    assert UNKNOWN in [t.text for t in TOKENIZER.encode(text)]


def test_blank_text_has_no_tokens():
    assert TOKENIZER.encode(" \n\t ") == []


@pytest.mark.parametrize("text", ["cat " * 10_000, "q" * 10_000, "!" * 10_000])
def test_too_long_a_text_is_refused_at_once(text):
    with pytest.raises(BadInput, match="longer than 64 tokens") as refused:
        TOKENIZER.encode(text, limit=64)
    assert refused.value.exit_code == 2 and refused.value.hint


def test_a_text_of_exactly_the_limit_is_accepted():
    assert len(TOKENIZER.encode("cat " * 64, limit=64)) == 64


def test_learning_is_deterministic_and_keeps_the_sizes_asked_for():
    learned = learn_vocabulary(TEXTS, n_words=6, n_pieces=10)
    assert learned == learn_vocabulary(TEXTS, n_words=6, n_pieces=10)
    assert len(set(learned)) == len(learned) and {UNKNOWN, END, "the", "##z"} <= set(learned)
    assert "running" in learned and "jumping" not in learned


def test_merged_pieces_are_the_frequent_ones():
    learned = learn_vocabulary(["walking talking singing ringing"], n_words=0, n_pieces=2)
    assert "##in" in learned and "##ing" in learned


def test_a_vocabulary_without_unknown_or_with_repeats_is_refused():
    for vocabulary in (["a", END], [UNKNOWN, END, "a", "a"]):
        with pytest.raises(ValueError, match="vocabulary"):
            WordTokenizer(vocabulary)


def test_decoding_an_id_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="outside the vocabulary"):
        TOKENIZER.decode([len(TOKENIZER)])

"""The word tokenizer: readable, total on any text, and true to the reader's own spelling."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx.tokenizers import Piece, WordTokenizer, load
from tfx.tokenizers.word import END, UNKNOWN
from tfx.tokenizers.wordpiece_training import INSIDE

TEXTS = ["the cat is running in the garden", "the dog was running and jumping", "walking, talking: the talking cat"]
TOKENIZER = WordTokenizer.train(TEXTS * 3, n_words=6, n_pieces=10)


def written(tokenizer: WordTokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[i] for i in tokenizer.encode(text)]


def surface(text: str, piece: Piece) -> str:
    return text[piece.start : piece.end]


def test_frequent_words_stay_whole_and_others_show_their_pieces():
    texts = written(TOKENIZER, "The singing cat")
    assert texts[0] == "the" and texts[-1] == "cat"
    inside = texts[1:-1]
    assert not inside[0].startswith(INSIDE) and all(text.startswith(INSIDE) for text in inside[1:])
    assert "".join(text.removeprefix(INSIDE) for text in inside) == "singing"


def test_the_longest_piece_is_taken_first():
    tokenizer = WordTokenizer(["a", "ab", "##b", "##c", "##bc", "##bcd", "##d"])
    assert written(tokenizer, "abcd") == ["ab", "##c", "##d"]
    assert written(tokenizer, "abcbcd") == ["ab", "##c", "##bcd"]


@given(st.text(max_size=60))
def test_surfaces_give_back_every_visible_character_of_any_text(text):
    pieces = TOKENIZER.pieces(text)
    assert "".join(surface(text, piece) for piece in pieces) == "".join(c for c in text if not c.isspace())
    assert [piece.id for piece in pieces] == TOKENIZER.encode(text)
    for piece in pieces:
        token = TOKENIZER.tokens[piece.id]
        assert token == UNKNOWN or len(token.removeprefix(INSIDE)) == piece.end - piece.start


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_printable_ascii_is_never_unknown_and_comes_back_lower_cased(text):
    assert UNKNOWN not in written(TOKENIZER, text)
    assert TOKENIZER.decode(TOKENIZER.encode(text)).replace(" ", "") == "".join(text.lower().split())


def test_words_of_plain_text_round_trip_with_their_spaces():
    text = "the cat was jumping in 2024"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@pytest.mark.parametrize("text", ["\u65e5\u672c\u8a9e", "\U0001f600", "na\u00efve", "\u0130stanbul", "e\u0301", "\x00"])
def test_characters_outside_the_vocabulary_become_unknown(text):
    assert UNKNOWN in written(TOKENIZER, text)


def test_blank_text_has_no_tokens():
    assert TOKENIZER.encode(" \n\t ") == []


@pytest.mark.parametrize("text", ["cat " * 10_000, "q" * 10_000, "!" * 10_000])
def test_the_first_pieces_of_a_long_text_are_those_of_the_whole(text):
    assert TOKENIZER.first_pieces(text, 65) == TOKENIZER.pieces(text)[:65]


def test_learning_is_deterministic_and_keeps_the_sizes_asked_for():
    learned = WordTokenizer.train(TEXTS, n_words=6, n_pieces=10).tokens
    assert learned == WordTokenizer.train(TEXTS, n_words=6, n_pieces=10).tokens
    assert len(set(learned)) == len(learned) and {UNKNOWN, END, "the", "##z"} <= set(learned)
    assert "running" in learned and "jumping" not in learned


def test_merged_pieces_are_the_frequent_ones():
    learned = WordTokenizer.train(["walking talking singing ringing"], n_words=0, n_pieces=2).tokens
    assert "##in" in learned and "##ing" in learned


def test_a_vocabulary_without_unknown_or_with_repeats_is_refused():
    with pytest.raises(ValueError, match="a vocabulary begins with"):
        WordTokenizer.of_vocabulary(["a", END])
    with pytest.raises(ValueError, match="'a' is there twice"):
        WordTokenizer.of_vocabulary([UNKNOWN, END, "a", "a"])


def test_decoding_an_id_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="outside the vocabulary"):
        TOKENIZER.decode([len(TOKENIZER)])


def test_a_special_token_is_a_word_of_its_own_in_text_that_is_written():
    end = TOKENIZER.id_of[END]
    ids = [*TOKENIZER.encode("the cat"), end, *TOKENIZER.encode("singing")]
    assert TOKENIZER.decode(ids) == "the cat <end> singing"
    assert TOKENIZER.decode(ids, skip_special=True) == "the cat singing"
    assert end not in TOKENIZER.encode("the <end>")
    assert TOKENIZER.encode("the <end>", allow_special=True) == [TOKENIZER.id_of["the"], end]


def test_a_saved_one_reads_as_before(tmp_path):
    TOKENIZER.save(tmp_path / "words.json")
    loaded = load(tmp_path / "words.json")
    assert isinstance(loaded, WordTokenizer) and loaded.state() == TOKENIZER.state()
    assert WordTokenizer.of_vocabulary(TOKENIZER.tokens).state() == TOKENIZER.state()


def by_counting_anew(words: dict[str, int], n_pieces: int) -> list[str]:
    """Merges as strings, all pairs counted before every merge."""
    cut, made = {word: [word[0], *("##" + c for c in word[1:])] for word in words}, []
    for _ in range(n_pieces):
        counts: Counter[tuple[str, str]] = Counter()
        for word, pieces in cut.items():
            for pair in pairwise(pieces):
                counts[pair] += words[word]
        if not counts:
            break
        left, right = min(counts, key=lambda pair: (-counts[pair], pair))
        made.append(left + right.removeprefix("##"))
        for word, pieces in cut.items():
            merged: list[str] = []
            for piece in pieces:
                if merged and (merged[-1], piece) == (left, right):
                    merged[-1] = made[-1]
                else:
                    merged.append(piece)
            cut[word] = merged
    return made


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=8), min_size=1, max_size=12), st.integers(0, 12))
def test_pieces_are_those_of_merging_with_ties_by_spelling(words, n_pieces):
    text = " ".join(words)
    base = len(WordTokenizer.train(text, 0, 0))
    learned = WordTokenizer.train(text, 0, n_pieces).tokens[base:]
    assert list(learned) == by_counting_anew(dict(Counter(words)), n_pieces)

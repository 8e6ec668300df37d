"""Where words end."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizers.corpora import AWKWARD
from tfx.tokenizers.splitting import chunks, words, words_and_marks
from tfx.tokenizers.unicode_classes import VERSION, class_of


def cut(split, text):
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it's low", ["it", "'s", " low"]),
        ("IT'S", ["IT", "'", "S"]),
        ("we'll they've I'd", ["we", "'ll", " they", "'ve", " I", "'d"]),
        ("a  b", ["a", " ", " b"]),
        ("a \n b", ["a", " \n", " b"]),
        ("end  ", ["end", "  "]),
        ("x12y", ["x", "12", "y"]),
        (" ?! ok", [" ?!", " ok"]),
        ("\u00bd\u0663\u2168", ["\u00bd\u0663\u2168"]),  # No, Nd, Nl: one run of numbers
        ("\u4e00\u4e8c", ["\u4e00\u4e8c"]),  # Chinese numerals are letters
        ("a\xa0b\u3000c", ["a", "\xa0", "b", "\u3000", "c"]),
        ("a\x1cb\u200bc", ["a", "\x1c", "b", "\u200b", "c"]),  # neither is white space
        ("nai\u0308ve", ["nai", "\u0308", "ve"]),  # a combining mark is no letter
    ],
)
def test_chunks_are_those_of_gpt2(text, expected):
    assert cut(chunks, text) == expected


@given(st.text())
def test_chunks_cover_any_text_without_gap_or_overlap(text):
    assert "".join(cut(chunks, text)) == text


@pytest.mark.parametrize("text", AWKWARD)
def test_words_are_what_stands_between_white_space(text):
    visible = text.replace("\x1c", "-").replace("\x1d", "-").replace("\x1e", "-").replace("\x1f", "-")
    assert [len(word) for word in cut(words, text)] == [len(word) for word in visible.split()]


def test_every_mark_is_a_word_of_its_own():
    assert cut(words_and_marks, "to-day, $5... \u00bfsi\u3002") == [
        *("to", "-", "day", ",", "$", "5", ".", ".", "."),
        *("\u00bf", "si", "\u3002"),
    ]


def test_the_classes_are_those_of_this_pythons_unicode_where_it_knows_the_character():
    known = [code for code in range(128, 0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Co")]
    assert len(known) > 140_000
    wanted = [unicodedata.category(chr(code))[0] for code in known]
    differ = [
        hex(code) for code, letter in zip(known, wanted, strict=True)
        if class_of(code) != (letter if letter in "LNP" else "-")
    ]  # fmt: skip
    assert differ == []


def test_a_character_younger_than_python_311_is_cut_as_the_letter_that_it_is():
    """U+31350 came with Unicode 15, whatever the Python that reads it."""
    assert cut(chunks, "a \U00031350\u4e00 b") == ["a", " \U00031350\u4e00", " b"]


def test_what_came_after_the_version_belongs_to_no_class():
    assert VERSION == "18.0.0" and class_of(0x10FFFD) == class_of(0xE1000) == "-"

"""How wide text is, and words that would show nothing."""

from __future__ import annotations

import pytest

from tfx_cli.render.labels import visible
from tfx_cli.render.plain import line
from tfx_cli.render.wrapping import printable
from tfx_cli.terminal.cells import cells, with_empty_named


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("e\u0301", 1),
        ("\u732b", 2),
        ("\u200d", 0),
        ("\ufe0f", 0),
        ("\u00ad", 1),
        ("\ufeff", 0),
        ("\u20dd", 0),
    ],
)
def test_cells(text, width):
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"\u200d" gives its largest weight to "and"', '"U+200D" gives its largest weight to "and"'),
        ("a | \ufe0f | b", "a | U+FE0F | b"),
        ("(\u200d\ufe0f)", "(U+200D U+FE0F)"),
        ("\U000e0100", "U+E0100"),
        ("\u0301 alone", "U+0301 alone"),
        ("caf e\u0301 \u732b", "caf e\u0301 \u732b"),
        ("a\u200db", "a\u200db"),
        ("plain text", "plain text"),
    ],
)
def test_a_word_that_would_show_nothing_says_what_it_is(text, shown):
    assert with_empty_named(text) == shown == printable(text) == visible(text) == line(text)


def test_a_label_that_is_empty_shows_its_quotes():
    assert visible("") == visible(" \n") == '""' and visible(" a\nb ") == "a b"

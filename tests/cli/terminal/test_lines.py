"""Messages end between words in a terminal, and are whole lines elsewhere."""

from __future__ import annotations

import io

import pytest

from tfx_cli.terminal.cells import at_words, cells
from tfx_cli.terminal.lines import say, tell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


MESSAGE = "reverse is not solved: without positions equal symbols look the same wherever they stand"
HINT = "Try: tfx explain attention   or: tfx bench attention   or: tfx gradcheck attention"


@pytest.fixture
def lines_at(monkeypatch):
    def lines(width, *, terminal=True, message=MESSAGE, hint=HINT):
        stream = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("COLUMNS", str(width))
        say(message, hint)
        return stream.getvalue().splitlines()

    return lines


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(lines_at, width):
    lines = lines_at(width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("tfx: ") and all(line.startswith("     ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(f"tfx: {MESSAGE} {HINT}".split())


def test_a_command_is_never_broken(lines_at):
    command = 'tfx explain attention --text "the cat sat on the mat and slept"'
    assert lines_at(40, hint=f"Try: {command}")[-1].strip() == command
    assert lines_at(30)[-5:] == [
        "     Try:",
        "     tfx explain attention",
        "     or: tfx bench attention",
        "     or:",
        "     tfx gradcheck attention",
    ]


def test_a_file_gets_whole_lines(lines_at):
    assert lines_at(30, terminal=False) == [f"tfx: {MESSAGE}", f"     {HINT}"]


def test_wide_characters_count_twice(lines_at):
    message = "\u732b " * 30
    lines = lines_at(40, message=message.strip(), hint="")
    assert max(map(cells, lines)) <= 40 and max(map(len, lines)) <= 28
    assert "".join(lines).count("\u732b") == 30


def test_other_messages_are_wrapped_as_well(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "30")
    tell("tfx: " + MESSAGE)
    tell("\n" + MESSAGE)
    assert max(map(len, stream.getvalue().splitlines())) <= 30


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("\u732b", 2), ("e\u0301", 1), ("\uff21", 2), ("", 0)],
)
def test_cells_are_counted_as_a_terminal_shows_them(text, width):
    assert cells(text) == width


def test_a_word_that_is_too_wide_has_its_own_line_and_blanks_are_kept():
    assert at_words("a  b", 10) == ["a  b"]
    assert at_words("see /a/very/long/path now", 8) == ["see", "/a/very/long/path", "now"]
    assert at_words("one two three", 7, "  ") == ["one two", "  three"]

"""The keys under a screenful, and a long page, with real keys on a pseudo-terminal."""

from __future__ import annotations

import sys

import pytest

from tests.cli.pseudo_terminal import CLEAR, COLOR, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

#: a page of 59 lines in paragraphs of five, after a title
PAGE = """
from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.pager import page
text = "".join("\\n" if i % 6 == 0 else f"line {i} of it\\n" for i in range(1, 60))
page(iter([Part("title\\n"), Part(text)]))
print("done")
"""

KEYS = """
from tfx_cli.terminal.pager import ask_key
print("key", repr(ask_key([["Enter next", "b back", "q leave"], ["Enter", "b", "q"]], {"\\n", "b", "q"})))
"""


def test_a_page_starts_at_its_top_and_goes_on_within_itself(tmp_path):
    with Terminal(tmp_path, PAGE, **COLOR) as terminal:
        seen: list[str] = []
        first = screen = terminal.screen(b"")
        assert screen[0] == "title" and "b back" not in screen[-1]
        while "-- more: Enter" in screen[-1]:
            seen += [line for line in screen[:-1] if line]
            screen = terminal.screen(b"\r")
        seen += [line for line in screen[:-1] if line]
        assert seen == ["title", *(f"line {i} of it" for i in range(1, 60) if i % 6)]
        assert screen[-1] == "  Enter ends   b back   q leave "
        for _ in range(3):
            screen = terminal.screen(b"b")
        assert screen == first
        terminal.press(b"q", b"done")
        assert terminal.exit_code() == 0


def test_the_end_of_a_page_ends_it(tmp_path):
    with Terminal(tmp_path, PAGE, rows=80, **COLOR) as terminal:
        assert terminal.screen(b"")[-1] == "  Enter ends   q leave "
        terminal.press(b"\r", b"done")
        assert terminal.exit_code() == 0


def test_a_terminal_without_escape_sequences_gets_none(tmp_path):
    with Terminal(tmp_path, PAGE, TERM="dumb") as terminal:
        seen = terminal.press(b"", b"q leave") + terminal.press(b"\r", b"q leave")
        assert b"\x1b" not in seen
        terminal.press(b"q", b"done")
        assert terminal.exit_code() == 0


def test_another_key_moves_nothing_and_capitals_are_the_same(tmp_path):
    with Terminal(tmp_path, PAGE, **COLOR) as terminal:
        terminal.screen(b"")
        assert b"\n" not in terminal.press(b"x", b"q leave ")
        assert CLEAR not in terminal.press(b"Q", b"done")
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, b"  Enter next   b back   q leave "),
        (33, b"  Enter next   b back   q leave "),
        (32, b"  Enter next  b back  q leave "),
        (30, b"  Enter   b   q "),
    ],
)
def test_the_keys_are_named_in_as_many_words_as_fit(tmp_path, columns, line):
    with Terminal(tmp_path, KEYS, columns=columns) as terminal:
        assert terminal.press(b"", line).split(b"\r\n")[-1] == line
        terminal.press(b"b", b"key 'b'")
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(("key", "code"), [(b"\x03", 130), (b"\x04", 0)])
def test_control_c_and_control_d_leave_the_terminal_as_it_was(tmp_path, key, code):
    script = "import sys; from tfx_cli.errors import exit_code_of\n" + "def run():\n" + "\n".join(
        f"    {line}" for line in PAGE.strip().split("\n")
    ) + "\n    return 0\nsys.exit(exit_code_of(run))"  # fmt: skip
    with Terminal(tmp_path, script, **COLOR) as terminal:
        terminal.screen(b"")
        terminal.press(key, b"tfx: stopped." if code else b"done")
        assert terminal.exit_code() == code

"""What a terminal can do: colour rules, glyphs and width."""

from __future__ import annotations

import io

import pytest

from tests.cli.running import TERMINAL_VARIABLES
from tfx_cli.terminal import console


class Stream(io.StringIO):
    """A stream that says whether it is a terminal and which encoding it has."""

    def __init__(self, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self.terminal, self.name_of_encoding = terminal, encoding

    def isatty(self) -> bool:
        return self.terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.name_of_encoding


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(console, "_choice", "auto")


@pytest.mark.parametrize(
    ("terminal", "variables", "choice", "colored"),
    [
        (True, {}, "auto", True),
        (False, {}, "auto", False),
        (True, {"NO_COLOR": "1"}, "auto", False),
        (True, {"NO_COLOR": ""}, "auto", True),
        (True, {"TERM": "dumb"}, "auto", False),
        (False, {"FORCE_COLOR": "1"}, "auto", True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        (False, {"FORCE_COLOR": "1", "TERM": "dumb"}, "auto", False),
        (False, {"NO_COLOR": "1"}, "always", True),
        (False, {"TERM": "dumb"}, "always", True),
        (True, {"FORCE_COLOR": "1"}, "never", False),
    ],
)
def test_who_decides_on_colour(monkeypatch, terminal, variables, choice, colored):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    console.choose_color(choice)
    stream = Stream(terminal)
    assert console.wants_color(stream) is colored
    console.console_on(stream).print("words", style="bold red")
    assert ("\x1b[" in stream.getvalue()) is colored


def test_stdout_and_stderr_are_judged_apart(monkeypatch):
    monkeypatch.setattr("sys.stdout", Stream(False))
    monkeypatch.setattr("sys.stderr", Stream(True))
    monkeypatch.setenv("TERM", "xterm-256color")
    assert console.output().color_system is None
    assert console.messages().color_system is not None


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_every_glyph_has_a_twin_that_any_encoding_carries(encoding):
    stream = Stream(encoding=encoding)
    for name, (fancy, plain) in console.GLYPHS.items():
        assert plain.isascii()
        assert console.glyph(name, stream) == plain
        assert console.glyph(name, Stream()) == fancy


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("40", 40), ("5", console.NARROWEST)])
def test_the_width_follows_columns_down_to_a_limit(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert console.width() == width


def test_data_is_printed_as_it_is():
    stream = Stream()
    console.console_on(stream).print("list[int] [/3] loss:smile:1 [red]x[/red]")
    assert stream.getvalue() == "list[int] [/3] loss:smile:1 [red]x[/red]\n"


def test_a_character_outside_the_encoding_becomes_a_question_mark(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    console.never_fail_on_a_character()
    import sys

    sys.stdout.write("naïve \udcff")
    sys.stdout.flush()
    assert buffer.getvalue() == b"na?ve ?"

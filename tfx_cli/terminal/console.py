"""What the terminal can do, judged once per stream, and the only place that makes Rich consoles.

Colour: `--color always|never` beats the environment; then NO_COLOR or TERM=dumb switches it off, FORCE_COLOR on, and
otherwise a terminal gets colour and a pipe does not.  stdout and stderr are judged separately.  Without colour no
escape sequence is written at all.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Literal

from tfx_cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment

ColorChoice = Literal["auto", "always", "never"]

NARROWEST = 20
#: an escape sequence that colours
STYLING = re.compile(r"\x1b\[[0-9;]*m")
#: prose is wrapped here even on a wide terminal
PROSE = 84

#: every glyph outside ASCII, with its twin
GLYPHS = {
    "half block": ("▀", "#"),
    "shades": (" ░▒▓█", " .:-=+*#%@"),
    "spark": ("▁▂▃▄▅▆▇█", "_.:-=+*#"),
    "braille": ("⠒", ""),
}

_choice: ColorChoice = "auto"


def choose_color(choice: ColorChoice) -> None:
    """What `--color` said; holds for this process."""
    global _choice
    _choice = choice


@contextmanager
def on_paper(columns: int) -> Iterator[None]:
    """Inside, everything is written without colour and so many columns wide, whatever the terminal is."""
    global _choice
    before, width_before = _choice, os.environ.get("COLUMNS")
    _choice, os.environ["COLUMNS"] = "never", str(columns)
    try:
        yield
    finally:
        _choice = before
        if width_before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = width_before


def wants_color(stream: IO[str]) -> bool:
    """Whether escape sequences may be written to `stream`."""
    if _choice != "auto":
        return _choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def is_terminal(stream: IO[str]) -> bool:
    return hasattr(stream, "isatty") and not stream.closed and stream.isatty()


def interactive() -> bool:
    """Whether somebody sits there: both stdin and stdout are terminals."""
    return sys.stdin is not None and is_terminal(sys.stdin) and is_terminal(sys.stdout)


def width() -> int:
    """Columns of the terminal: COLUMNS, else the terminal itself, else 80."""
    return max(shutil.get_terminal_size((80, 24)).columns, NARROWEST)


def height() -> int:
    """Rows of the terminal: LINES, else the terminal itself, else 24."""
    return shutil.get_terminal_size((80, 24)).lines


def rows(line: str, columns: int) -> int:
    """How many rows of a terminal the line takes."""
    from rich.cells import cell_len

    return max(-(-cell_len(STYLING.sub("", line)) // columns), 1)


def prose_width() -> int:
    return min(width(), PROSE)


def encodes(stream: IO[str], text: str) -> bool:
    """Whether the stream's encoding has these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def glyph(name: str, stream: IO[str] | None = None) -> str:
    """A glyph of the table, or its ASCII twin when the stream cannot carry it."""
    fancy, plain = GLYPHS[name]
    return fancy if encodes(stream or sys.stdout, fancy) else plain


def never_fail_on_a_character() -> None:
    """A character that the stream's encoding lacks becomes `?` instead of an exception."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def clear_screen() -> None:
    """A fresh screen where escape sequences are welcome, else a blank line."""
    sys.stdout.write("\x1b[H\x1b[2J" if wants_color(sys.stdout) else "\n")
    sys.stdout.flush()


def output() -> Console:
    """A console on stdout, for results."""
    return console_on(sys.stdout)


def messages() -> Console:
    """A console on stderr, for progress, warnings and messages."""
    return console_on(sys.stderr)


def console_on(stream: IO[str]) -> Console:
    """A Rich console that prints data as it is: no markup, no emoji, no highlighting."""
    from rich.console import Console
    from rich.segment import Segment

    class PipeConsole(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            """Every piece of text passes here, and what a reader typed must not command the terminal."""
            for segment in super().render(renderable, options):
                clean = segment.control or segment.text.isprintable()
                yield segment if clean else Segment(printable(segment.text), segment.style)

        def on_broken_pipe(self) -> None:
            """Rich would exit with 1, which here means that the answer is no."""
            raise BrokenPipeError

    color = wants_color(stream)
    console = PipeConsole(
        file=stream, width=width(), force_terminal=color, no_color=not color, color_system="auto" if color else None,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip
    if color and console.color_system is None:  # --color always on a terminal that says nothing about itself
        return PipeConsole(
            file=stream, width=width(), force_terminal=True, no_color=False, color_system="256",
            markup=False, emoji=False, highlight=False, legacy_windows=False,
        )  # fmt: skip
    return console

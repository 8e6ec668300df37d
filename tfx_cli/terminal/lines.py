"""Lines on stdout for results, as they are, and on stderr for messages, which end between words in a terminal."""

from __future__ import annotations

import os
import re
import sys
from typing import IO

from tfx_cli.terminal.cells import at_words, cells
from tfx_cli.terminal.printable import on_one_line, printable

MARGIN = " " * len("tfx: ")
#: in a hint, what stands between two things to type
NEXT_COMMAND = re.compile(r" {3}(?=\S)")


def write(text: str) -> None:
    """Writes to stdout and makes it visible."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show_line(text: str = "", bold: bool = False) -> None:
    """Prints one line as it is, but for control characters: never wrapped, so that paths and commands can be copied."""
    text = "\t".join(printable(field) for field in text.split("\t"))
    sys.stdout.write((f"\x1b[1m{text}\x1b[0m" if bold else text) + "\n")


def tell(text: str) -> None:
    """A message for the reader that is no result, on stderr."""
    _put(text, MARGIN if text.startswith("tfx: ") else "")


def say(message: str, hint: str) -> None:
    """`tfx: message`, and the hint aligned under it, on stderr.

    In a terminal lines end between words; a command that does not fit beside its label has a line of its own, whole, so
    that it can be copied.
    """
    message, hint = on_one_line(message), on_one_line(hint)
    _put(f"tfx: {message}", MARGIN)
    if not hint:
        return
    width = terminal_width(sys.stderr)
    if width is None or cells(MARGIN + hint) <= width:
        sys.stderr.write(f"{MARGIN}{hint}\n")
        return
    for part in NEXT_COMMAND.split(hint):
        label, colon, command = part.partition(": tfx ")
        if colon and cells(MARGIN + part) > width:
            _put(f"{MARGIN}{label}:", MARGIN)
            part = f"tfx {command}"
        if colon:
            sys.stderr.write(f"{MARGIN}{part}\n")
        else:
            _put(MARGIN + part, MARGIN)


def terminal_width(stream: IO[str]) -> int | None:
    """Columns of the terminal behind `stream`; None when it is a file or a pipe, which cuts no lines."""
    try:
        if not stream.isatty():
            return None
        return int(os.environ.get("COLUMNS", "")) if os.environ.get("COLUMNS", "").isdigit() else _columns(stream)
    except (AttributeError, OSError, ValueError):
        return None


def _columns(stream: IO[str]) -> int | None:
    return os.get_terminal_size(stream.fileno()).columns or None


def _put(text: str, margin: str) -> None:
    width = terminal_width(sys.stderr)
    for line in printable(text).split("\n"):
        fitted = [line] if width is None or cells(line) <= width else at_words(line, width, margin)
        sys.stderr.writelines(part + "\n" for part in fitted)

"""Lines as they are, on stdout for results and on stderr for messages: nothing is wrapped, coloured or cut."""

from __future__ import annotations

import sys


def write(text: str) -> None:
    """Writes to stdout and makes it visible."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show_line(text: str = "") -> None:
    """Prints one line as it is: never wrapped, so that paths and commands can be copied."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """A message for the reader that is no result: one line on stderr."""
    sys.stderr.write(text + "\n")

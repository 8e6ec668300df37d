"""How wide text is in a terminal, counted in cells, and lines that end between words."""

from __future__ import annotations

import re
import unicodedata

#: joiners and variation selectors take no cell, and neither do combining marks
NO_CELL = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f]")


def cells(text: str) -> int:
    """Columns that `text` takes: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def at_words(line: str, width: int, margin: str = "") -> list[str]:
    """`line` in lines of at most `width` cells, later ones after `margin`.

    A word that is wider has its own line, whole.  Blanks between words are kept where no line ends.
    """
    lines: list[str] = []
    current, room = "", width
    for blank, word in re.findall(r"(\s*)(\S+)", line):
        if current.strip() and cells(current + blank + word) > room:
            lines.append(current)
            current = margin + word
        else:
            current += blank + word
    return [*lines, current]


def _cells_of(character: str) -> int:
    if NO_CELL.match(character) or unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

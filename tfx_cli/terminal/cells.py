"""How wide text is in a terminal, counted in cells, and lines that end between words."""

from __future__ import annotations

import re

#: what stands between blanks, quotes, brackets and separators
PIECE = re.compile(r"""[^\s"'()\[\]|,]+""")


def cells(text: str) -> int:
    """Columns that `text` takes, counted as Rich counts them: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, room: int, right: bool = False) -> str:
    """The text with blanks up to `room` cells, after it or (right) before it."""
    blanks = " " * max(room - cells(text), 0)
    return blanks + text if right else text + blanks


def with_empty_named(text: str) -> str:
    """`text`, where a word that would show nothing (a joiner, a variation selector) says what it is: `U+200D`."""
    if text.isascii():
        return text
    return PIECE.sub(lambda found: found[0] if cells(found[0]) else _named(found[0]), text)


def _named(characters: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in characters)


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

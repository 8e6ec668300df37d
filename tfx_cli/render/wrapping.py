"""Lines of text fitted to a width.  Words are never broken and nothing is cut."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_cli.terminal.cells import at_words, cells, padded
from tfx_cli.terminal.printable import printable


def wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    """`text` in lines of at most `width`; each of its own lines by itself, following lines after `hanging`.

    A line that fits is kept as it is, with the spaces that align it.
    """
    lines: list[str] = []
    for line in printable(text).split("\n"):
        if cells(line) <= width:
            lines.append(line.rstrip())
        else:
            margin = line[: len(line) - len(line.lstrip())]
            lines += at_words(line, max(width, 12), margin + hanging)
    return lines


def labelled(label: str, text: str, width: int, margin: str = "  ", column: int = 10) -> list[str]:
    """`  label     text`, with the text's further lines aligned under its first."""
    room = width - len(margin) - column
    if room < 24:  # too narrow for two columns: the label has its own line
        return [f"{margin}{label}", *(f"{margin}  {line}" for line in wrapped(text, width - len(margin) - 2))]
    first, *rest = wrapped(text, room) or [""]
    blank = margin + " " * column
    return [margin + padded(label, column) + first, *(blank + line for line in rest)]


def packed(pieces: Sequence[str], width: int, gap: str = "   ") -> str:
    """Pieces that must not be broken, as many to a line as fit."""
    lines: list[str] = []
    for piece in pieces:
        if lines and cells(lines[-1] + gap + piece) <= width:
            lines[-1] += gap + piece
        else:
            lines.append(piece)
    return "\n".join(lines)

"""Labels of rows and columns, fitted to a number of cells of the terminal and still told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.printable import printable

#: the longest label that is shown whole above or beside a matrix
LABEL = 12


def visible(label: str) -> str:
    """The label in one line; one that would show nothing says what it is."""
    return " ".join(printable(label).split()) or '""'


def short_label(label: str, room: int) -> str:
    """The label, cut with a full stop at the end when it takes more than `room` cells."""
    label = visible(label)
    if cells(label) <= room:
        return label
    kept = ""
    for character in label:
        if cells(kept + character) > max(room - 1, 1):
            break
        kept += character
    return f"{kept}."


def fitted_labels(labels: Sequence[str], room: int) -> list[str]:
    """All labels in at most `room` cells; where two different ones would be cut to the same, they are numbered."""
    short = [short_label(label, room) for label in labels]
    meant = defaultdict(set)
    for label, cut in zip(labels, short, strict=True):
        meant[cut].add(label)
    return [
        numbered(label, index + 1, room) if len(meant[cut]) > 1 else cut
        for index, (label, cut) in enumerate(zip(labels, short, strict=True))
    ]


def numbered(label: str, number: int, room: int) -> str:
    """`an.7`: as much of the label as fits before its number, or the number alone."""
    left = room - len(str(number))
    return (short_label(label, left) if left > 1 else "") + str(number)


def legend(labels: Sequence[str]) -> list[str]:
    """`1 the`, `2 animal`: the number and the name of every label; nothing where the names are the numbers."""
    if all(label == str(index + 1) for index, label in enumerate(labels)):
        return []
    return [f"{index + 1} {visible(label)}" for index, label in enumerate(labels)]

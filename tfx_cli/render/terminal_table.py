"""Draws a table in the terminal: aligned columns where they fit, else one record of `label  value` lines per row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx.records import Column
from tfx_cli.render.number_text import column_texts, is_number, label_of
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.captured import under_heads
from tfx_cli.terminal.cells import cells as width_of
from tfx_cli.terminal.cells import padded
from tfx_cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod

INDENT = "  "
#: a column label longer than this and than its cells is broken at spaces
HEAD = 10


def print_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints the table; no digit is ever cut.  A wide one comes in blocks that repeat the first column."""
    by_column = [column_texts([row.get(column.key) for row in rows], column.digits) for column in columns]
    cells = [[printable(texts[index]) for texts in by_column] for index in range(len(rows))]
    numeric = [any(is_number(row.get(column.key)) for row in rows) for column in columns]
    heads = [  # a label may be as wide as its column's cells
        wrapped(label_of(column), max([HEAD, *(width_of(row[index]) for row in cells)]))
        for index, column in enumerate(columns)
    ]
    blocks = column_blocks(narrowest(heads, cells, numeric), console.width)
    if blocks is None:
        for line in records(columns, cells, console.width):
            console.print(line, soft_wrap=True)
        return
    for number, block in enumerate(blocks):
        if number:
            console.print()
        with under_heads(max(len(heads[index]) for index in block)):
            console.print(aligned(block, heads, cells, numeric, console.width))


def narrowest(heads: Sequence[Sequence[str]], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[int]:
    """The width of each column below which something would be cut; words may be broken at spaces."""
    widths = []
    for index, head in enumerate(heads):
        column_cells = [row[index] for row in cells]
        whole = column_cells if numeric[index] else [word for cell in column_cells for word in cell.split()]
        widths.append(max(map(width_of, [*head, *whole]), default=0))
    return widths


def column_blocks(widths: Sequence[int], room: int) -> list[list[int]] | None:
    """Which columns are shown together, the first in every block; None when fewer than three fit side by side."""
    gap = len(INDENT)
    if sum(widths) + gap * len(widths) <= room:
        return [list(range(len(widths)))]
    first = widths[0] + gap
    blocks: list[list[int]] = []
    used = room
    for index in range(1, len(widths)):
        if used + widths[index] + gap > room:
            blocks.append([0])
            used = first
        blocks[-1].append(index)
        used += widths[index] + gap
        if used > room:
            return None
    return blocks if max(map(len, blocks)) >= 3 else None


def widths_that_fit(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Starts from natural widths and takes from the widest column that can still give, until they fit."""
    widths = list(natural)
    while sum(widths) > room:
        giving = [index for index, width in enumerate(widths) if width > least[index]]
        if not giving:
            break
        widths[max(giving, key=lambda index: widths[index])] -= 1
    return widths


def aligned(
    block: Sequence[int],
    heads: Sequence[Sequence[str]],
    cells: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    room: int,
) -> Any:
    """A Rich table without boxes; numbers to the right and never broken, words to the left.

    The widths are chosen here, because Rich would take from numbers too when the room is short.  A row begins on one
    line, however far its cells run on, and heads end on one line, next to what they name.  Where a first cell runs on,
    a blank line says where the next row begins.
    """
    from rich.table import Table

    least = narrowest(heads, cells, numeric)
    natural = [max(map(width_of, [*heads[index], *(row[index] for row in cells)]), default=0) for index in block]
    widths = widths_that_fit(natural, [least[index] for index in block], room - len(INDENT) * len(block))
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, show_edge=False, header_style="bold")
    tallest = max(len(heads[index]) for index in block)
    for index, width in zip(block, widths, strict=True):
        head = [""] * (tallest - len(heads[index])) + list(heads[index])
        justify: JustifyMethod = "right" if numeric[index] else "left"
        table.add_column("\n".join(head), justify=justify, vertical="top", width=width)
    apart = any(width_of(row[block[0]]) > widths[0] for row in cells)
    for number, row in enumerate(cells):
        if apart and number:
            table.add_row()
        table.add_row(*(row[index] for index in block))
    return table


def records(columns: Sequence[Column], cells: list[list[str]], width: int) -> Iterator[str]:
    """One row after another, for a terminal too narrow for the table."""
    labels = [label_of(column) for column in columns]
    beside = max(map(width_of, labels), default=0)
    widest = max((width_of(cell) for row in cells for cell in row), default=0)
    together = len(INDENT) + beside + 2 + widest <= width
    for index, row in enumerate(cells):
        if index:
            yield ""
        for label, cell in zip(labels, row, strict=True):
            if together:
                yield f"{INDENT}{padded(label, beside)}  {cell}"
            else:
                yield from (INDENT + line for line in wrapped(f"{label}: {cell}", width - 2, "  "))

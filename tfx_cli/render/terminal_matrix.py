"""Draws a matrix in the terminal: numbers, on coloured cells where the terminal has 256 colours.

What is too wide comes in blocks of columns that repeat the row labels.  Where even that would be a wall of numbers, a
picture stands for it (tfx_cli.render.terminal_picture).  The text line with shape, range and largest entry is always
there, so nothing depends on colour.  Rows of zeros are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tfx.records import Matrix
from tfx_cli.render.colors import RGB, readable_on
from tfx_cli.render.labels import LABEL, fitted_labels, visible
from tfx_cli.render.matrix_text import CellFormat, Grid, cell_format
from tfx_cli.render.terminal_picture import picture_lines
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.captured import under_heads
from tfx_cli.terminal.cells import cells, padded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.style import Style

#: up to this many rows and columns are shown as numbers at any width
SMALL = 12
#: and up to this many where they need few blocks of columns
LARGE, BLOCKS = 32, 4
#: a few long rows are shown as numbers too, and so is a tall and narrow matrix: the first coordinates of many tokens
FEW_ROWS, NARROW, LONG = 4, 8, 64
#: a column label is at most this wide, and may be cut to this before the matrix is split
HEADING, SHORT_HEADING = 8, 3
#: row labels may be cut to this before the matrix is split
SHORT_LABEL = 6
INDENT = "  "


def matrix_lines(record: Matrix, console: Console) -> Iterator[list[Segment]]:
    """The lines of a matrix as Rich segments, fit for the console's width and colours."""
    from rich.segment import Segment
    from rich.style import Style

    grid = Grid.of(record)
    room = console.width - len(INDENT)
    yield from ([Segment(INDENT + line, Style(bold=True))] for line in wrapped(grid.heading(), room))
    if 0 not in grid.shape and grid.shown_rows:
        layout = fitting_layout(grid, room)
        if shown_as_numbers(grid, layout):
            yield from number_lines(grid, layout, console)
        else:
            yield from picture_lines(grid, console)
    for text in (grid.kept_words(), shortened(grid.zero_words(), room), grid.caption(), record.note):
        if text:
            yield from ([Segment(INDENT + line)] for line in wrapped(text, room))


@dataclass(frozen=True)
class Layout:
    """How numbers are laid out.  texts: of the shown rows; cell, beside: cells of a number and of the row labels;
    size: columns of a block."""

    form: CellFormat
    texts: list[list[str]]
    cell: int
    beside: int
    size: int

    @property
    def blocks(self) -> int:
        return -(-len(self.texts[0]) // self.size)


def shown_as_numbers(grid: Grid, layout: Layout) -> bool:
    rows, columns = len(grid.shown_rows), grid.shape[1]
    if rows <= FEW_ROWS or columns <= NARROW:
        return max(rows, columns) <= LONG
    return max(rows, columns) <= (LARGE if layout.blocks <= BLOCKS else SMALL)


def number_lines(grid: Grid, layout: Layout, console: Console) -> Iterator[list[Segment]]:
    """Rows of numbers under column labels, block by block."""
    from rich.segment import Segment

    cell, beside = layout.cell, layout.beside
    color = console.color_system in ("256", "truecolor")
    columns_of, rows_of = fitted_labels(grid.col_labels, cell), fitted_labels(grid.row_labels, beside or LABEL)
    if layout.form.exponent:
        yield [Segment(f"{INDENT}all numbers times 1e{layout.form.exponent}")]
    for start in range(0, grid.shape[1], layout.size):
        columns = range(start, min(start + layout.size, grid.shape[1]))
        heads = "".join(" " + padded(columns_of[j], cell, right=True) for j in columns)
        with under_heads():
            yield [Segment(INDENT + " " * beside + heads)]
            for i, texts in zip(grid.shown_rows, layout.texts, strict=True):
                line = [Segment(INDENT + (padded(rows_of[i], beside) if beside else ""))]
                for j in columns:
                    background = grid.scale.step(grid.values[i][j]) if color else None
                    line.append(Segment(f" {texts[j].rjust(cell)}", background and number_style(background)))
                yield line


def fitting_layout(grid: Grid, room: int) -> Layout:
    """Few columns get one more digit.  To keep the matrix in one piece row labels are shortened first, then a decimal
    goes, unless all numbers are small; if neither helps, it comes in as few blocks of columns as possible."""
    vector = grid.shape[0] == 1 and grid.row_labels == ("1",)  # its one row needs no label
    full = 0 if vector else min(max(cells(visible(grid.row_labels[i])) for i in grid.shown_rows), LABEL)
    short = min(full, SHORT_LABEL)
    columns = grid.shape[1]
    form = cell_format(grid.values, extra=1 if columns <= 6 else 0)
    forms = [form]
    if form.decimals > 1 and max(abs(grid.low), abs(grid.high)) >= 1:
        forms.append(CellFormat(form.decimals - 1, form.exponent))
    heading = min(max(cells(visible(label)) for label in grid.col_labels), HEADING)
    for shorter in forms:
        texts, digits = texts_of(grid, shorter)
        for beside in dict.fromkeys((full, short)):
            for cell in dict.fromkeys((max(digits, heading), max(digits, SHORT_HEADING))):
                if beside + (cell + 1) * columns <= room:
                    return Layout(shorter, texts, cell, beside, columns)
    texts, digits = texts_of(grid, form)
    least = max(digits, SHORT_HEADING)
    blocks = {beside: -(-columns // max((room - beside) // (least + 1), 1)) for beside in (full, short)}
    beside = full if blocks[full] == blocks[short] else short
    size = -(-columns // blocks[beside])
    spare = (room - beside) // size - 1  # labels may take what the blocks leave
    return Layout(form, texts, max(least, min(heading, spare)), beside, size)


def texts_of(grid: Grid, form: CellFormat) -> tuple[list[list[str]], int]:
    """The cells of the shown rows, and the length of the longest."""
    texts = [[form.text(value) for value in grid.values[i]] for i in grid.shown_rows]
    return texts, max(len(text) for row in texts for text in row)


def shortened(text: str, room: int) -> str:
    """A list of names that fits one line: what does not is `...`."""
    while cells(text) > room and ", " in text:
        text = text.removesuffix(", ...").rpartition(", ")[0] + ", ..."
        if text.count(", ") == 1:
            break
    return text


@cache
def number_style(background: RGB) -> Style:
    """Black or white on the value's colour."""
    from rich.color import Color
    from rich.style import Style

    return Style(color=Color.from_rgb(*readable_on(background)), bgcolor=Color.from_rgb(*background))

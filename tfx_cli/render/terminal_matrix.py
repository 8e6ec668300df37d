"""Draws a matrix in the terminal.

Up to 12 x 12, a few longer rows, or a tall and narrow one: numbers, on coloured cells where the terminal has 256
colours.  Larger: half blocks, two rows a line, or a ramp of shades without colour; what still does not fit is averaged
over blocks, and says so.  The text line with shape, range and largest entry is always there, so nothing depends on
colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from tfx.records import Matrix
from tfx_cli.render.colors import readable_on, viridis
from tfx_cli.render.matrix_text import LABEL, CellFormat, Grid, cell_format, pooled, short_label
from tfx_cli.render.number_text import brief
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import glyph

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.style import Style

#: most rows and columns shown as numbers
NUMBERS = 12
#: a few long rows are shown as numbers too, in blocks of columns
FEW_ROWS, LONG_ROW = 4, 32
#: and so are tall, narrow ones: the first coordinates of many tokens
TALL, NARROW = 32, 8
#: most rows drawn; more are averaged
TALLEST = 64
#: a column label is at most this wide, and may be cut to this before the matrix is split
HEADING, SHORT_HEADING = 8, 3
#: row labels may be cut to this before the matrix is split
SHORT_LABEL = 6
INDENT = "  "
#: colours are rounded to this many steps, so that few styles are made
STEPS = 64


def matrix_lines(record: Matrix, console: Console) -> Iterator[list[Segment]]:
    """The lines of a matrix as Rich segments, fit for the console's width and colours."""
    from rich.segment import Segment
    from rich.style import Style

    grid = Grid.of(record)
    yield from ([Segment(INDENT + line, Style(bold=True))] for line in wrapped(grid.heading(), console.width - 2))
    if 0 not in grid.shape:
        yield from (numbers if shown_as_numbers(grid.shape) else shades)(grid, console)
    for text in (grid.summary(), record.note):
        if text:
            yield from ([Segment(INDENT + line)] for line in wrapped(text, console.width - 2))


def shown_as_numbers(shape: tuple[int, int]) -> bool:
    rows, columns = shape
    long_rows, narrow = rows <= FEW_ROWS and columns <= LONG_ROW, rows <= TALL and columns <= NARROW
    return max(shape) <= NUMBERS or long_rows or narrow


def numbers(grid: Grid, console: Console) -> Iterator[list[Segment]]:
    """Rows of numbers under column labels; split into blocks of columns when the terminal is narrow."""
    from rich.segment import Segment

    form, texts, cell, beside = fitting_cells(grid, console.width - len(INDENT))
    room = console.width - len(INDENT) - beside
    blocks = -(-grid.shape[1] // max(room // (cell + 1), 1))
    size = -(-grid.shape[1] // blocks)
    color = console.color_system in ("256", "truecolor")
    if form.exponent:
        yield [Segment(f"{INDENT}all numbers times 1e{form.exponent}")]
    for start in range(0, grid.shape[1], size):
        columns = range(start, min(start + size, grid.shape[1]))
        heads = "".join(" " + short_label(grid.col_labels[j], cell).rjust(cell) for j in columns)
        yield [Segment(INDENT + " " * beside + heads)]
        for label, row, shown in zip(grid.row_labels, grid.values, texts, strict=True):
            line = [Segment(INDENT + (short_label(label, beside).ljust(beside) if beside else ""))]
            for j in columns:
                text = f" {shown[j].rjust(cell)}"
                line.append(Segment(text, cell_style(grid, row[j]) if color else None))
            yield line


def fitting_cells(grid: Grid, room: int) -> tuple[CellFormat, list[list[str]], int, int]:
    """The format, the texts, the width of a cell and that of the row labels.

    Few columns get one more digit.  To keep the matrix in one piece row labels are shortened first, then a decimal
    goes, unless all numbers are small; if neither helps, the caller shows blocks of columns.
    """
    vector = grid.shape[0] == 1 and grid.row_labels == ("0",)  # its one row needs no label
    full = 0 if vector else min(max(map(len, grid.row_labels)), LABEL)
    short = min(full, SHORT_LABEL)
    form = cell_format(grid.values, extra=1 if grid.shape[1] <= 6 else 0)
    forms = [form]
    if form.decimals > 1 and max(abs(grid.low), abs(grid.high)) >= 1:
        forms.append(CellFormat(form.decimals - 1, form.exponent))
    heading = min(max(map(len, grid.col_labels)), HEADING)
    for shorter in forms:
        texts = [[shorter.text(value) for value in row] for row in grid.values]
        digits = max(len(text) for row in texts for text in row)
        for beside in dict.fromkeys((full, short)):
            for cell in dict.fromkeys((max(digits, heading), max(digits, SHORT_HEADING))):
                if beside + (cell + 1) * grid.shape[1] <= room:
                    return shorter, texts, cell, beside
    texts = [[form.text(value) for value in row] for row in grid.values]
    return form, texts, max(max(len(text) for row in texts for text in row), SHORT_HEADING), full


def shades(grid: Grid, console: Console) -> Iterator[list[Segment]]:
    """A picture of a large matrix: half blocks in colour, else a ramp of shades, with a legend."""
    from rich.segment import Segment

    color = console.color_system in ("256", "truecolor")
    half = glyph("half block", console.file) if color else ""
    colored = color and half != "#"
    beside = min(max(map(len, grid.row_labels)), LABEL)
    room = console.width - len(INDENT) - beside - 1
    values, high, wide = pooled(grid.values, TALLEST, room)
    doubled = 2 if not colored and 2 * len(values[0]) <= room else 1
    yield [Segment(f"{INDENT}{' ' * beside} {axis(grid, len(values[0]) * doubled, wide)}")]
    ramp = glyph("shades", console.file)
    step = 2 if colored else 1
    for top in range(0, len(values), step):
        label = short_label(grid.row_labels[top * high], LABEL).ljust(beside)
        line = [Segment(f"{INDENT}{label} ")]
        if colored:
            below = values[top + 1] if top + 1 < len(values) else [math.nan] * len(values[top])
            line += [
                Segment(half, half_style(level(grid, upper), level(grid, lower)))
                for upper, lower in zip(values[top], below, strict=True)
            ]
        else:
            line.append(Segment("".join(shade(grid, value, ramp) * doubled for value in values[top])))
        yield line
    low, high_word = brief(grid.low, 3), brief(grid.high, 3)
    legend = f"dark {low}, bright {high_word}" if colored else f"'{ramp[0]}' is {low}, '{ramp[-1]}' is {high_word}"
    pooling = f"; each place is the mean of {high} x {wide} values" if high * wide > 1 else ""
    yield from ([Segment(INDENT + line)] for line in wrapped(legend + pooling, console.width - 2))


def axis(grid: Grid, size: int, wide: int) -> str:
    """The first and the last column label at the two ends of the picture."""
    first, last = grid.col_labels[0], grid.col_labels[-1]
    return first + last.rjust(size - len(first)) if len(first) + len(last) < size else first[:size]


def shade(grid: Grid, value: float, ramp: str) -> str:
    part = grid.part(value)
    return "?" if part is None and value != -math.inf else ramp[round((part or 0.0) * (len(ramp) - 1))]


def level(grid: Grid, value: float) -> int | None:
    part = grid.part(value)
    return None if part is None else round(part * STEPS)


def cell_style(grid: Grid, value: Any) -> Style | None:
    """Black or white on the value's colour; what is not finite stays uncoloured."""
    step = level(grid, value)
    return None if step is None else number_style(step)


@cache
def number_style(step: int) -> Style:
    from rich.color import Color
    from rich.style import Style

    background = viridis(step / STEPS)
    return Style(color=Color.from_rgb(*readable_on(background)), bgcolor=Color.from_rgb(*background))


@cache
def half_style(upper: int | None, lower: int | None) -> Style:
    from rich.color import Color
    from rich.style import Style

    top, bottom = (None if step is None else Color.from_rgb(*viridis(step / STEPS)) for step in (upper, lower))
    return Style(color=top or Color.from_rgb(0, 0, 0), bgcolor=bottom)

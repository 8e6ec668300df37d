"""A picture of a large matrix: half blocks in colour, two rows a line, else a ramp of shades.

What still does not fit is averaged over blocks, and says so.  Rows and columns are numbered beside the picture, and
their names stand under it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from tfx_cli.render.colors import RGB, Scale
from tfx_cli.render.labels import legend
from tfx_cli.render.matrix_text import Grid, pooled
from tfx_cli.render.wrapping import packed, wrapped
from tfx_cli.terminal.console import glyph

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.style import Style

INDENT = "  "
#: most rows drawn; more are averaged
TALLEST = 64
#: every so many places of the picture have the number of their column above
TICKS = 5


def picture_lines(grid: Grid, console: Console) -> Iterator[list[Segment]]:
    """The picture with numbers above and beside, what its colours mean, and the names of rows and columns."""
    from rich.segment import Segment

    half = glyph("half block", console.file) if console.color_system in ("256", "truecolor") else ""
    colored = half not in ("", "#")
    beside = len(str(len(grid.values)))
    room = console.width - len(INDENT) - beside - 1
    values, high, wide = pooled([grid.values[i] for i in grid.shown_rows], TALLEST, room)
    doubled = 2 if not colored and 2 * len(values[0]) <= room else 1
    yield [Segment(f"{INDENT}{' ' * beside} {ticks(len(values[0]), wide, doubled)}")]
    ramp = glyph("shades", console.file)
    for top in range(0, len(values), 2 if colored else 1):
        line = [Segment(f"{INDENT}{grid.shown_rows[top * high] + 1:{beside}} ")]
        if colored:
            below = values[top + 1] if top + 1 < len(values) else [math.nan] * len(values[top])
            line += [
                Segment(half, half_style(grid.scale.step(upper), grid.scale.step(lower)))
                for upper, lower in zip(values[top], below, strict=True)
            ]
        else:
            line.append(Segment("".join(shade(grid, value, ramp) * doubled for value in values[top])))
        yield line
    texts = wrapped(meaning(grid, ramp, colored, high, wide), console.width - 2)
    for names, labels in names_of(grid).items():
        texts += packed([f"{names}: {labels[0]}", *labels[1:]], console.width - 2, " ").split("\n")
    yield from ([Segment(INDENT + line)] for line in texts)


def ticks(places: int, wide: int, doubled: int) -> str:
    """`1    6    11`: the numbers of the columns above their places."""
    line = ""
    for place in range(0, places, TICKS):
        number = str(place * wide + 1)
        if place * doubled + len(number) <= places * doubled:
            line = line.ljust(place * doubled) + number
    return line


def meaning(grid: Grid, ramp: str, colored: bool, high: int, wide: int) -> str:
    """What is dark and what is bright, and whether places are means."""
    form, scale = grid.form, grid.scale
    ends = (grid.low, grid.high) if not (scale.signed and colored) else (scale.low, scale.high)
    low, top = (form.brief(value) for value in ends)
    if not colored:
        words = f"'{ramp[0]}' is {low}, '{ramp[-1]}' is {top}"
    else:
        words = f"blue {low}, white 0, red {top}" if scale.signed else f"dark {low}, bright {top}"
    times = f" (times 1e{form.exponent})" if form.exponent else ""
    pooling = f"; each place is the mean of {high} x {wide} values" if high * wide > 1 else ""
    return words + times + pooling


def names_of(grid: Grid) -> dict[str, list[str]]:
    """The names behind the numbers, once where rows and columns have the same."""
    rows, columns = legend(grid.row_labels), legend(grid.col_labels)
    named = {"rows and columns": rows} if rows == columns else {"rows": rows, "columns": columns}
    return {names: [f"{label}," for label in labels[:-1]] + labels[-1:] for names, labels in named.items() if labels}


def shade(grid: Grid, value: float, ramp: str) -> str:
    """The character of the ramp for a value between the lowest and the highest of the matrix."""
    part = Scale(grid.low, grid.high, False).part(value)
    return "?" if part is None and value != -math.inf else ramp[round((part or 0.0) * (len(ramp) - 1))]


@cache
def half_style(upper: RGB | None, lower: RGB | None) -> Style:
    """A half block's colours: above and below."""
    from rich.color import Color
    from rich.style import Style

    top, bottom = (None if color is None else Color.from_rgb(*color) for color in (upper, lower))
    return Style(color=top or Color.from_rgb(0, 0, 0), bgcolor=bottom)

"""Curves in the terminal: about ten lines, in braille dots where the terminal has them, else in ASCII.

plotille puts dots and characters in their places; the axes are ours.  At most one curve is drawn in dots.  Every other
has a character of its own, so that they can be told apart without colour: lines -, =, ~, and measured points o, x, +.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import IO, TYPE_CHECKING, NamedTuple

from tfx.records import Plot, Series
from tfx_cli.render.number_text import brief
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import glyph, interactive, width

if TYPE_CHECKING:
    from plotille import Canvas

#: of the drawing itself, without axes and names
ROWS = 7
WIDEST = 64
#: where nobody sits, a drawing needs so many columns
WIDE = 60
LINES, POINTS = "-=~:" + ascii_lowercase, "ox+*#@" + ascii_uppercase
#: a cell of braille without a dot in it
EMPTY = "\u2800"


class Curve(NamedTuple):
    """A series as it is drawn.  mark: its character, or a braille cell for the one that is drawn in dots."""

    mark: str
    in_dots: bool
    joined: bool
    points: list[tuple[float, float]]


class Span(NamedTuple):
    """An axis from low to high, in logarithms to base 10 where `log` says so."""

    low: float
    high: float
    log: bool

    def label(self, part: float) -> str:
        """The value at that part of the axis, 0 to 1."""
        value = self.low + part * (self.high - self.low)
        return brief(10**value if self.log else value, 3)


def is_drawn(plot: Plot) -> bool:
    """Whether there is room for a drawing, or somebody who sees it, and anything to draw."""
    return (interactive() or width() >= WIDE) and any(curve.points for curve in curves_of(plot, ""))


def marks_of(plot: Plot, stream: IO[str]) -> list[str]:
    """How each series of the plot is drawn there."""
    return [curve.mark for curve in curves_of(plot, dots_of(stream))]


def curve_lines(plot: Plot, columns: int, stream: IO[str]) -> list[str]:
    """The drawing in lines of at most `columns`; none when no point can be drawn."""
    curves = curves_of(plot, dots_of(stream))
    across, up = span_of(curves, 0, plot.log_x), span_of(curves, 1, plot.log_y)
    if across is None or up is None:
        return []
    labels = [up.label(1 - row / (ROWS - 1)) if row % (ROWS // 2) == 0 else "" for row in range(ROWS)]
    margin = max(map(len, labels))
    room = max(min(columns - margin - 2, WIDEST), 1)
    rows = merged([(curve, drawn(curve, canvas_of(across, up, room))) for curve in curves])
    return [
        *wrapped(named(plot.y_label, plot.log_y), columns),
        *(f"{label:>{margin}} |{row}".rstrip() for label, row in zip(labels, rows, strict=True)),
        f"{' ' * margin} +{'-' * room}",
        *(f"{' ' * margin}  {line}" for line in below(across, named(plot.x_label, plot.log_x), room)),
    ]


def below(across: Span, name: str, room: int) -> list[str]:
    """The ends of the axis and its name between them, or under them where it does not fit."""
    first, last = across.label(0), across.label(1)
    between = room - len(first) - len(last)
    if len(name) + 2 <= between:
        return [first + name.center(between) + last]
    ends = [first + " " * between + last] if between > 0 else wrapped(f"{first} to {last}", room)
    return [*ends, *wrapped(name, room)]


def dots_of(stream: IO[str]) -> str:
    """A braille cell for a legend, or nothing where the terminal has only ASCII."""
    return "" if os.environ.get("TERM") == "dumb" else glyph("braille", stream)


def curves_of(plot: Plot, dots: str) -> list[Curve]:
    """The series with what each is drawn in: dots for the longest that is a line or has more points than columns."""
    joined = [series.kind == "line" for series in plot.series]
    dense = [index for index, series in enumerate(plot.series) if joined[index] or len(series.x) > WIDEST]
    dotted = max(dense, key=lambda index: len(plot.series[index].x)) if dots and dense else None
    left = {True: iter(LINES * len(joined)), False: iter(POINTS * len(joined))}
    return [
        Curve(
            dots if index == dotted else next(left[joined[index]]),
            index == dotted,
            joined[index],
            finite_points(series, plot),
        )
        for index, series in enumerate(plot.series)
    ]


def finite_points(series: Series, plot: Plot) -> list[tuple[float, float]]:
    """What can be drawn, in logarithms where the axes are; the rest is left out."""
    points = []
    for place in zip(series.x, series.y, strict=True):
        x, y = (
            (math.log10(value) if value > 0 else math.nan) if log else float(value)
            for value, log in zip(place, (plot.log_x, plot.log_y), strict=True)
        )
        if math.isfinite(x) and math.isfinite(y):
            points.append((x, y))
    return points


def span_of(curves: Sequence[Curve], axis: int, log: bool) -> Span | None:
    """From the smallest to the largest; a single value stands in the middle."""
    values = [point[axis] for curve in curves for point in curve.points]
    if not values:
        return None
    low, high = min(values), max(values)
    half = 0.0 if high > low else abs(low) / 2 or 1.0
    return Span(low - half, high + half, log)


def canvas_of(across: Span, up: Span, room: int) -> Canvas:
    """An empty canvas whose last column and uppermost row are the highest values; plotille leaves its ends out."""
    from plotille import Canvas

    wide, tall = 2 * room, 4 * ROWS
    right = across.low + (across.high - across.low) * wide / (wide - 1)
    top = up.low + (up.high - up.low) * tall / (tall - 1)
    return Canvas(room, ROWS, across.low, up.low, right, top)


def drawn(curve: Curve, canvas: Canvas) -> list[str]:
    """A line through the points or the points alone, in dots or in the curve's character."""
    character = None if curve.in_dots else curve.mark
    for x, y in curve.points:
        canvas.point(x, y, marker=character)
    for (x0, y0), (x1, y1) in pairwise(curve.points) if curve.joined else ():
        steps = max(map(abs, canvas.dots_between(x0, y0, x1, y1)))
        for step in range(1, steps):
            part = step / steps
            canvas.point(x0 + part * (x1 - x0), y0 + part * (y1 - y0), marker=character)
    return canvas.plot(linesep="\n").replace(EMPTY, " ").split("\n")


def merged(layers: Sequence[tuple[Curve, list[str]]]) -> list[str]:
    """One picture: measured points stand on top of lines, and curves that lie on each other take turns."""
    rows = []
    for cells in zip(*(picture for _, picture in layers), strict=True):
        row = ""
        for column, here in enumerate(zip(*cells, strict=True)):
            there = [(curve.joined, cell) for (curve, _), cell in zip(layers, here, strict=True) if cell != " "]
            points = [cell for joined, cell in there if not joined]
            shown = points or [cell for _, cell in there] or [" "]
            row += shown[column % len(shown)]
        rows.append(row)
    return rows


def named(label: str, log: bool) -> str:
    return f"{label}, log scale" if log else label

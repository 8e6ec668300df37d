"""The plain face: one record a line, tab-separated, no boxes; for screen readers, cut, awk and diff.

The first field says what the line is.  A table is one header line and one line per row; a matrix one line per row
with six significant digits; nothing is shortened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

from tfx import records
from tfx_cli.render.number_text import cell_text, label_of, number_text
from tfx_cli.render.sentences import source_words
from tfx_cli.render.source_code import place_of
from tfx_cli.terminal.printable import on_one_line, printable


def line(*fields: object) -> str:
    """Fields joined by tabs; a tab or line break inside a field becomes a space, so that one record stays one line, and
    a word that would show nothing says what it is."""
    return "	".join(" ".join(printable(str(field)).split()) for field in fields)


@singledispatch
def lines(record: records.Record) -> Iterator[str]:
    """The lines of a record."""
    raise TypeError(f"no plain face for {type(record).__name__}")


@lines.register
def _(record: records.Text) -> Iterator[str]:
    yield line("text", record.text)


@lines.register
def _(record: records.Formula) -> Iterator[str]:
    yield line("formula", record.text, *([record.shapes] if record.shapes else []))


@lines.register
def _(record: records.Matrix) -> Iterator[str]:
    from tfx_cli.render.matrix_text import Grid

    grid = Grid.of(record)
    yield line("matrix", record.name, f"{record.axes[0]} x {record.axes[1]}", grid.caption(), record.note)
    yield line("columns", record.name, *grid.col_labels)
    for label, row in zip(grid.row_labels, grid.values, strict=True):
        yield line("row", record.name, label, *(number_text(value, 6) for value in row))


@lines.register
def _(record: records.Table) -> Iterator[str]:
    yield line("table", record.title)
    yield line("columns", *(label_of(column) for column in record.columns))
    for row in record.rows:
        yield line("row", *(cell_text(row.get(column.key), column.digits) for column in record.columns))


@lines.register
def _(record: records.Plot) -> Iterator[str]:
    yield line("plot", record.title, record.x_label, record.y_label)
    for series in record.series:
        errors: Sequence[Any] = series.error if series.error is not None else [None] * len(series.x)
        for x, y, error in zip(series.x, series.y, errors, strict=True):
            tail = [] if error is None else [number_text(error, 6)]
            yield line("point", series.label, number_text(x, 6), number_text(y, 6), *tail)


@lines.register
def _(record: records.Code) -> Iterator[str]:
    yield line("code", *place_of(record.target))


@lines.register
def _(record: records.Question) -> Iterator[str]:
    unit = f" {record.unit}" if record.unit else ""
    yield line("question", record.prompt)
    yield line("answer", number_text(record.answer, 6) + unit, record.explanation)


@lines.register
def _(record: records.Check) -> Iterator[str]:
    word = "PASS" if record.holds else "FAIL"
    numbers = (number_text(value, 6) for value in (record.expected, record.measured, record.tolerance))
    yield line("check", word, record.id, record.statement, *numbers)


@lines.register
def _(record: records.Said) -> Iterator[str]:
    yield line("said", record.sentence, record.verdict, record.truth, *([record.claim] if record.claim else []))


@lines.register
def _(record: records.Source) -> Iterator[str]:
    yield line("source", source_words(record))


@lines.register
def _(record: records.See) -> Iterator[str]:
    yield line("see also", record.title, record.command)


@lines.register
def _(record: records.Try) -> Iterator[str]:
    yield line("what if", record.command)


def experiment_lines(result: records.Result, saved: Iterable[Path]) -> Iterator[str]:
    """A whole experiment."""
    yield line("experiment", result.name, result.title)
    yield line("seed", result.seed)
    yield line("elapsed_s", number_text(result.elapsed_s, 3))
    for key, value in result.params.items():
        yield line("setting", key, value)
    if result.claim:
        yield line("claim", result.claim)
    if result.question:
        yield from lines(result.question)
    yield line("columns", *(label_of(column) for column in result.columns))
    for row in result.rows:
        yield line("row", *(cell_text(row.get(column.key), 6) for column in result.columns))
    for check in result.checks:
        yield from lines(check)
    for note in result.notes:
        yield from lines(note)
    for words in result.break_it:
        yield line("break it", words)
    for path in saved:
        yield f"saved\t{on_one_line(path)}"

"""The terminal face: pages that read well at 80 columns and still work at 40, without colour and without Unicode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from tfx import records
from tfx_cli.render.number_text import number_text
from tfx_cli.render.sentences import answer_of, check_numbers, source_words, verdict_words
from tfx_cli.render.source_code import link_of
from tfx_cli.render.terminal_curves import curve_lines, is_drawn, marks_of
from tfx_cli.render.terminal_matrix import matrix_lines
from tfx_cli.render.terminal_table import print_table
from tfx_cli.render.wrapping import labelled, wrapped
from tfx_cli.terminal.cells import cells, padded
from tfx_cli.terminal.console import output, prose_width

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as RichText

INDENT = "  "
#: in front of a line of source, and of what did not fit the line above
SOURCE_MARGIN, CONTINUED = "    ", "... "
#: kinds that stand together without a blank line between
CLOSE = (records.Formula, records.Check, records.Code, records.Source)


def print_records(shown: Iterable[records.Record]) -> None:
    """Prints records with a blank line between unlike ones."""
    console = output()
    before: records.Record | None = None
    for record in shown:
        if before is not None and not (type(record) is type(before) and isinstance(record, CLOSE)):
            console.print()
        print_record(record, console)
        before = record


@singledispatch
def print_record(record: records.Record, console: Console) -> None:
    """Prints one record."""
    raise TypeError(f"no terminal face for {type(record).__name__}")


def put(console: Console, lines: Iterable[str], style: str = "") -> None:
    """Lines that are already fitted: Rich may colour them, not wrap them."""
    for line in lines:
        console.print(line, style=style or None, soft_wrap=True)


@print_record.register(records.Text)
def _(record: records.Text, console: Console) -> None:
    put(console, (INDENT + line for line in wrapped(record.text, prose_width() - 2)))


@print_record.register(records.Formula)
def _(record: records.Formula, console: Console) -> None:
    put(console, (INDENT + line for line in formula_lines(record, console.width - 2)), "bold")


def formula_lines(record: records.Formula, width: int) -> list[str]:
    """The formula, and its shapes beside it where they fit, else under it."""
    lines = wrapped(record.text, width, "    ")
    if not record.shapes:
        return lines
    beside = padded(lines[-1], 18) + "   " + record.shapes
    if len(lines) == 1 and cells(beside) <= width and "\n" not in record.shapes:
        return [beside]
    return [*lines, *("    " + line for line in wrapped(record.shapes, width - 4, "  "))]


@print_record.register(records.Matrix)
def _(record: records.Matrix, console: Console) -> None:
    from rich.segment import Segment, Segments

    for line in matrix_lines(record, console):
        console.print(Segments([*line, Segment.line()]), end="", soft_wrap=True)


@print_record.register(records.Table)
def _(record: records.Table, console: Console) -> None:
    put(console, (INDENT + line for line in wrapped(record.title, console.width - 2)), "bold")
    print_table(record.columns, record.rows, console)


@print_record.register(records.Plot)
def _(record: records.Plot, console: Console) -> None:
    """A curve is drawn, and its first and last point are told in words; the finer picture is what --plot saves."""
    drawn = is_drawn(record)
    put(console, (INDENT + line for line in wrapped(f"picture: {record.title}", prose_width() - 2)), "bold")
    if drawn:
        put(console, (INDENT + line for line in curve_lines(record, prose_width() - 2, console.file)))
    marks = marks_of(record, console.file) if drawn else [""] * len(record.series)
    for series, mark in zip(record.series, marks, strict=True):
        if len(series.x):
            ends = " to ".join(
                f"{number_text(series.y[i], 3)} at {record.x_label} = {number_text(series.x[i], 3)}" for i in (0, -1)
            )
            flat = all(y == series.y[0] for y in series.y)
            words = f"{number_text(series.y[0], 3)} throughout" if flat else ends
            put(console, curve_words(mark, f"{series.label}: {words}"))


def curve_words(mark: str, words: str) -> list[str]:
    """What a curve is, behind the mark by which it is found in the drawing."""
    first, *rest = wrapped(words, prose_width() - 4)
    return [f"{INDENT}{mark:1} {first}", *(" " * 4 + line for line in rest)]


@print_record.register(records.Code)
def _(record: records.Code, console: Console) -> None:
    put(console, labelled("code", link_of(record.target), console.width))


@print_record.register(records.Question)
def _(record: records.Question, console: Console) -> None:
    print_question(record, console)
    print_answer(record, console)


def print_question(record: records.Question, console: Console) -> None:
    put(console, labelled("predict", record.prompt, prose_width()), "bold")


def print_answer(record: records.Question, console: Console, said: str = "answer") -> None:
    put(console, labelled(f"{said}:", answer_of(record), prose_width()))


@print_record.register(records.Check)
def _(record: records.Check, console: Console) -> None:
    word = "PASS" if record.holds else "FAIL"
    measured = check_numbers(record)
    line = f"{INDENT}{word}  {padded(record.statement, 34)}  {measured}".rstrip()
    if cells(line) <= console.width:
        lines = [line]
    else:
        first, *rest = wrapped(record.statement, console.width - 8)
        lines = [f"{INDENT}{word}  {first}", *(" " * 8 + part for part in rest)]
        lines += [" " * 8 + part for part in wrapped(measured, console.width - 8)]
    from rich.text import Text as RichText

    for index, part in enumerate(lines):
        text = RichText(part)
        if index == 0:
            text.stylize("green" if record.holds else "bold red", 2, 6)
        console.print(text, soft_wrap=True)


@print_record.register(records.Said)
def _(record: records.Said, console: Console) -> None:
    put(console, labelled("said", f'"{record.sentence}"', prose_width()))
    put(console, labelled("", verdict_words(record), prose_width()))


@print_record.register(records.Source)
def _(record: records.Source, console: Console) -> None:
    put(console, labelled("source", source_words(record), prose_width()))


@print_record.register(records.See)
def _(record: records.See, console: Console) -> None:
    whole = f"{INDENT}{'see also'.ljust(10)}{record.title}   {record.command}"
    if cells(whole) <= prose_width():
        put(console, [whole])
    else:
        put(console, labelled("see also", record.title, prose_width()))
        put_command("", record.command, console)


@print_record.register(records.Try)
def _(record: records.Try, console: Console) -> None:
    put_command("what if", record.command, console)


def put_command(label: str, words: str, console: Console) -> None:
    """A command is never broken, so that it can be copied."""
    whole = f"{INDENT}{padded(label, 10)}{words}"
    above = [INDENT + label] if label else []
    put(console, [whole] if cells(whole) <= console.width else [*above, f"{INDENT * 2}{words}"])


def print_foot(
    last: Sequence[records.Record], step: records.Step, targets: Sequence[records.Code], console: Console
) -> None:
    """The last lines of a step, without blank ones between: what held, where to go on, what to change, what to write,
    the code."""
    if last or step.what_if or step.to_write or targets:
        console.print()
    for record in last:
        print_record(record, console)
    for label, commands in (("what if", step.what_if), ("write it", step.to_write)):
        for index, words in enumerate(commands):
            put_command("" if index else label, words, console)
    for index, record in enumerate(targets):
        put(console, labelled("" if index else "code", link_of(record.target), console.width))


def print_source(source: str, console: Console) -> None:
    """Python source as it stands in the file, coloured where there is colour.  In a terminal a line that is too long
    goes on in the next, between words, after `...`."""
    from rich.text import Text as RichText

    if console.color_system is None:
        lines = [RichText(line) for line in source.rstrip("\n").split("\n")]
    else:
        from rich.syntax import Syntax

        lines = list(Syntax(source, "python", theme="ansi_dark").highlight(source.rstrip("\n")).split("\n"))
    room = console.width - len(SOURCE_MARGIN) if console.file.isatty() else None
    for line in lines:
        line.rstrip()
        for part in [line] if room is None else broken(line, room):
            console.print(RichText(SOURCE_MARGIN).append(part) if part.plain else part, soft_wrap=True)


def broken(line: RichText, room: int) -> list[RichText]:
    """A line of source in lines of at most `room` characters; those after the first begin with its indent and `...`.
    A word that is wider than the room stays whole."""
    from rich.text import Text as RichText

    indent = " " * (len(line.plain) - len(line.plain.lstrip()))
    margin = indent + CONTINUED
    parts: list[RichText] = []
    while len(line) > room:
        first = len(margin) if parts else len(indent)
        end = line.plain.rfind(" ", first + 1, room + 1)
        end = end if end > 0 else line.plain.find(" ", room)
        if end < 0:
            break
        head, line = line.divide([end])
        line = RichText(margin).append(line[len(line.plain) - len(line.plain.lstrip()) :])
        parts.append(head)
    return [*parts, line]


def print_title(title: str, aside: str, console: Console, dropped: bool = False) -> None:
    """A title, and a remark at the right end of the line where both fit, else under it, or dropped."""
    from rich.text import Text as RichText

    gap = prose_width() - cells(title) - cells(aside)
    if not aside:
        put(console, wrapped(title, prose_width()), "bold")
    elif gap >= 2:
        text = RichText(title, "bold")
        text.append(" " * gap + aside, "not bold")
        console.print(text, soft_wrap=True)
    else:
        put(console, wrapped(title, prose_width()), "bold")
        put(console, [] if dropped else [INDENT + aside])

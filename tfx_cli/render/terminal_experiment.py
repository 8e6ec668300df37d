"""The terminal page of an experiment: what is claimed, what came out, the telling rows, whether it holds.

Everything else is there with --details.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfx import records
from tfx_cli.options import Face
from tfx_cli.render.judgement import failing, holding, others_hold
from tfx_cli.render.sentences import saved_line
from tfx_cli.render.terminal_records import INDENT, print_record, print_title, put
from tfx_cli.render.terminal_table import print_table
from tfx_cli.render.wrapping import labelled, packed, wrapped
from tfx_cli.terminal.console import output, prose_width

if TYPE_CHECKING:
    from rich.console import Console


class Look(NamedTuple):
    """How an experiment is shown.

    said: what is said to the reader's prediction; where there is one, title, claim and question are on the screen.
    stays: the name of a file that is somebody else's and was therefore not written to.
    """

    details: bool = False
    said: str = ""
    stays: str = ""


def print_opening(title: str, claim: str, console: Console) -> None:
    """What is on the screen before anything is measured."""
    print_title(title, "", console)
    if claim:
        put(console, labelled("claim", claim, prose_width()))


def print_experiment(result: records.Result, saved: Sequence[Path], look: Look) -> None:
    """Claim, prediction, finding, table, whether it holds, what to break, and where the files are."""
    console = output()
    if look.said:
        print_record(records.Text(look.said), console)
    else:
        print_opening(result.title, result.claim, console)
        if result.question:
            print_record(result.question, console)
    console.print()
    first, others = (result.notes[:1], result.notes[1:]) if result.claim else ((), result.notes)
    finding = " ".join(filter(None, (failing(result.checks), *(note.text for note in first))))
    if finding:
        print_record(records.Text(finding), console)
        console.print()
    print_rows(result, look.details, console)
    console.print()
    print_checks(result, look.details, console)
    told = others if look.details or not result.claim else ()
    for note in told:
        console.print()
        print_record(note, console)
    if told:
        console.print()
    if result.break_it:
        words = packed(result.break_it, console.width - 13)
        put(console, labelled("break it:", words, console.width, column=11))
    print_end(result, saved, look.stays, console)


def print_rows(result: records.Result, details: bool, console: Console) -> None:
    """The table: its telling rows and the columns in plain words, or all of it."""
    columns = [column for column in result.columns if details or not column.detail]
    rows = list(result.rows) if details else [result.rows[index] for index in result.shown]
    print_table(columns, rows, console)
    left_out = [(len(result.rows) - len(rows), "row"), (len(result.columns) - len(columns), "column")]
    words = " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in left_out if count)
    if words:
        put(console, [f"{INDENT}not shown: {words} (--details)"])


def print_checks(result: records.Result, details: bool, console: Console) -> None:
    """One line for those that hold; one that fails is printed whole, and with details all are."""
    checks = result.checks
    fail = [check for check in checks if not check.holds]
    for check in checks if details else fail:
        print_record(check, console)
    if checks and not details:
        words = others_hold(len(checks) - len(fail)) if fail else holding(checks, bool(result.claim))
        put(console, (INDENT + line for line in wrapped(words, prose_width() - 2) if line))


def print_end(result: records.Result, saved: Sequence[Path], stays: str, console: Console) -> None:
    """Where the files are, and what the numbers hang on, at the end of the last line where there is room."""
    rows = f"{len(result.rows)} row{'' if len(result.rows) == 1 else 's'}"
    facts = f"{rows}, seed {result.seed}, {result.elapsed_s:.1f} s"
    *lines, last = [saved_line(path, Face.terminal) for path in saved] or [""]
    beside = f"{last}{' ' * max(prose_width() - len(last) - len(facts), 3)}{facts}".lstrip()
    put(console, [*lines, beside] if len(beside) <= console.width else [*lines, last, facts])
    if stays:
        words = f"{stays} was there and is not this command's, so it stays as it was."
        put(console, wrapped(words, console.width))

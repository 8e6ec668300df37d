"""Shows records on stdout with the chosen face.  Commands call this and never print by themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_cli.options import Face

if TYPE_CHECKING:
    from tfx.records import Record, Result
    from tfx_cli.render.terminal_experiment import Look


def show_records(records: Iterable[Record], face: Face) -> None:
    """Prints records one after another, for the terminal or as plain lines (JSON goes through `show_document`)."""
    if face is Face.plain:
        from tfx_cli.render.plain import lines

        for record in records:
            sys.stdout.writelines(line + "\n" for line in lines(record))
    else:
        from tfx_cli.render.terminal_records import print_records

        print_records(records)


def show_document(fields: Mapping[str, Any]) -> None:
    """Prints the one JSON document of a command; `schema_version` is added."""
    from tfx_cli.render.json import document

    sys.stdout.write(document(fields))


def show_list(title: str, entries: Mapping[str, str], what_next: str, face: Face) -> None:
    """Names with one line each, and what to type next."""
    if face is Face.plain:
        sys.stdout.writelines(f"{name}\t{about}\n" for name, about in entries.items())
        return
    from tfx_cli.render.terminal_lists import print_list

    print_list(title, entries, what_next)


def show_groups(title: str, groups: Mapping[str, Mapping[str, str]], what_next: str, face: Face) -> None:
    """The same, under the name of each group; `--plain` has it in a third column."""
    if face is Face.plain:
        lines = (f"{name}\t{about}\t{group}\n" for group, known in groups.items() for name, about in known.items())
        sys.stdout.writelines(lines)
        return
    from tfx_cli.render.terminal_lists import print_groups

    print_groups(title, groups, what_next)


def show_names(title: str, groups: Mapping[str, Mapping[str, str]], what_next: Sequence[str]) -> None:
    """For a terminal: what is in each group, by name alone."""
    from tfx_cli.render.terminal_lists import print_names

    print_names(title, groups, what_next)


def show_choices(title: str, known: Mapping[str, str], command: str, face: Face, *, called: str) -> None:
    """What `command` can be followed by.  called: the key in JSON."""
    if face is Face.json:
        show_document({called: [{"name": name, "about": about} for name, about in known.items()]})
    else:
        show_list(title, known, f"run one: {command} {next(iter(known))}", face)


def show_experiment(result: Result, face: Face, saved: Sequence[Path], look: Look) -> None:
    """Claim, prediction, finding, table, checks, what to break, and the files that were saved."""
    if face is Face.plain:
        from tfx_cli.render.plain import experiment_lines

        sys.stdout.writelines(line + "\n" for line in experiment_lines(result, saved))
    else:
        from tfx_cli.render.terminal_experiment import print_experiment

        print_experiment(result, saved, look)

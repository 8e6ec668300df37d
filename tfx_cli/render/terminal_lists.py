"""Lists for the terminal: names with a line each.

They compute nothing and so they start without Rich, which takes half as long to import as all the rest of a command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from tfx_cli.render.wrapping import labelled
from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.console import prose_width, wants_color
from tfx_cli.terminal.lines import show_line


def print_list(title: str, entries: Mapping[str, str], what_next: str) -> None:
    """Names with a line each."""
    print_groups(title, {"": entries} if entries else {}, what_next)


def print_groups(title: str, groups: Mapping[str, Mapping[str, str]], what_next: str) -> None:
    """Names with a line each, under the names of their groups."""
    put_bold([title])
    show_line()
    column = max((cells(name) for entries in groups.values() for name in entries), default=0) + 3
    for group, entries in groups.items():
        put_bold([f"  {group}"] if group else [])
        for name, about in entries.items():
            put(labelled(name, about, prose_width(), column=column))
        show_line()
    show_line("  " + what_next)


def print_names(title: str, groups: Mapping[str, Iterable[str]], what_next: Iterable[str]) -> None:
    """The names alone, a group at a time: many of them on one screen."""
    put_bold([title])
    show_line()
    column = max((cells(group) for group in groups), default=0) + 3
    for group, names in groups.items():
        put(labelled(group, "  ".join(names), prose_width(), column=column))
    show_line()
    put(f"  {line}" for line in what_next)


def put(lines: Iterable[str], bold: bool = False) -> None:
    for line in lines:
        show_line(line, bold)


def put_bold(lines: Iterable[str]) -> None:
    """Bold where escape sequences are welcome."""
    put(lines, bold=wants_color(sys.stdout))

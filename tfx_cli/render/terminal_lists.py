"""Lists for the terminal: names with a line each, the course map.  They compute nothing and so they start without Rich,
which takes half as long to import as all the rest of a command."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tfx_cli.render.wrapping import labelled, wrapped
from tfx_cli.terminal.console import prose_width, wants_color
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.course import Module


def print_list(title: str, entries: Mapping[str, str], what_next: str) -> None:
    """Names with a line each."""
    put_bold([title])
    show_line()
    column = max(map(len, entries), default=0) + 3
    for name, about in entries.items():
        put(labelled(name, about, prose_width(), column=column))
    if entries:
        show_line()
    show_line("  " + what_next)


def print_course(modules: Sequence[Module]) -> None:
    """The course map: modules, topics, minutes, and what to type."""
    put_bold(["The course"])
    for module in modules:
        show_line()
        put_bold(wrapped(f"{module.number}  {module.title}", prose_width(), "   "))
        put(f"   {line}" for line in wrapped(module.about, prose_width() - 3))
        column = max((len(topic.name) for topic in module.topics), default=0) + 2
        for topic in module.topics:
            about = f"{topic.title}, {topic.minutes} min"
            put(labelled(topic.name, about, prose_width(), margin="   ", column=column))
    show_line()
    show_line("start or go on: tfx explain TOPIC      to read: tfx explain TOPIC --lesson")


def put(lines: Iterable[str]) -> None:
    for line in lines:
        show_line(line)


def put_bold(lines: Iterable[str]) -> None:
    """Bold where escape sequences are welcome."""
    put((f"\x1b[1m{line}\x1b[0m" for line in lines) if wants_color(sys.stdout) else lines)

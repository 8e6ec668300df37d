"""What `tfx` alone shows: progress of the course, what is due, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfx_cli.render.pages.help import head
from tfx_cli.render.wrapping import wrapped

BAR = 18  # cells
LABEL = 7


@dataclass(frozen=True)
class Progress:
    """A module: how many of its topics are done; the name of the field is that of the JSON document."""

    title: str
    explained: int
    topics: int

    @property
    def count(self) -> str:
        return f"{self.explained} of {self.topics} topic{'' if self.topics == 1 else 's'}"


@dataclass(frozen=True)
class Advice:
    """One line of the dashboard: what it is about, what to type, and why."""

    label: str
    text: str
    command: str
    reason: str = ""


@dataclass(frozen=True)
class Dashboard:
    modules: tuple[Progress, ...]
    due: int
    new: int
    minutes: int
    advice: tuple[Advice, ...]


def terminal_lines(dashboard: Dashboard, width: int) -> Iterator[str]:
    """The page, with commands in a column of their own where they fit."""
    yield from head(width)
    yield ""
    column = max(len(module.title) for module in dashboard.modules) + 3
    counted = max(len(module.count) for module in dashboard.modules)
    for module in dashboard.modules:
        filled = BAR * module.explained // module.topics
        count = module.count.ljust(counted)
        bar = f"[{'#' * filled}{'-' * (BAR - filled)}]"
        one_line = f"  {module.title.ljust(column)}{count}   {bar}"
        yield from [one_line] if len(one_line) <= width else [f"  {module.title}", f"  {count}   {bar}"]
    column = LABEL + max(len(advice.text) for advice in dashboard.advice) + 4
    fits = all(2 + column + len(advice.command) <= width for advice in dashboard.advice)
    for advice in dashboard.advice:
        left, below = advice.label.ljust(LABEL) + advice.text, " " * (LABEL + 2)
        why = [below + line for line in wrapped(advice.reason, width - len(below))] if advice.reason else []
        yield from (
            [f"  {left.ljust(column)}{advice.command}", *why] if fits else [f"  {left}", *why, below + advice.command]
        )
    yield ""
    hints = ("map: tfx explain", "all experiments: tfx experiment", "help: tfx -h")
    together = "  " + "      ".join(hints)
    yield from [together] if len(together) <= width else [f"  {hint}" for hint in hints]


def plain_lines(dashboard: Dashboard) -> Iterator[str]:
    """One record a line."""
    from tfx_cli.render.plain import line

    for module in dashboard.modules:
        yield line("module", module.title, module.explained, module.topics)
    yield line("due", dashboard.due, dashboard.minutes)
    yield line("new", dashboard.new)
    for advice in dashboard.advice:
        why = [advice.reason] if advice.reason else []
        yield line(advice.label, advice.text, advice.command, *why)

"""What `tfx` alone shows: progress of the course, what is due, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfx_cli.render.pages.help import head
from tfx_cli.render.wrapping import wrapped

BAR = 18  # cells
LABEL = 7
#: modules on the page; of a longer course those around the reader, and the others in a line before and one behind
MOST = 8


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
    """module: the title of the one where the next step is."""

    modules: tuple[Progress, ...]
    due: int
    new: int
    minutes: int
    advice: tuple[Advice, ...]
    module: str = ""


def nearby(modules: Sequence[Progress], title: str) -> list[Progress]:
    """At most MOST lines: the modules around the one of that title, and sums of those before and of those behind."""
    if len(modules) <= MOST:
        return list(modules)
    here = next((place for place, module in enumerate(modules) if module.title == title), 0)
    start = 0 if here < MOST - 1 else min(here - 1, len(modules) - (MOST - 1))
    shown = MOST - 1 - (0 < start < len(modules) - (MOST - 1))
    before, behind = modules[:start], modules[start + shown :]
    return [*summed(before, "before"), *modules[start : start + shown], *summed(behind, "after")]


def summed(modules: Sequence[Progress], where: str) -> list[Progress]:
    """`5 modules after`, in one line, or none."""
    if not modules:
        return []
    title = f"{len(modules)} module{'' if len(modules) == 1 else 's'} {where}"
    return [Progress(title, sum(one.explained for one in modules), sum(one.topics for one in modules))]


def terminal_lines(dashboard: Dashboard, width: int) -> Iterator[str]:
    """The page, with commands in a column of their own where they fit."""
    yield from head(width)
    yield ""
    modules = nearby(dashboard.modules, dashboard.module)
    column = max(len(module.title) for module in modules) + 3
    counted = max(len(module.count) for module in modules)
    for module in modules:
        filled = BAR * module.explained // module.topics
        count = module.count.ljust(counted)
        bar = f"[{'#' * filled}{'-' * (BAR - filled)}]"
        one_line = f"  {module.title.ljust(column)}{count}   {bar}"
        yield from [one_line] if len(one_line) <= width else [f"  {module.title}", f"  {count}   {bar}"]
    column = LABEL + max(len(advice.text) for advice in dashboard.advice) + 4
    room = {advice.label: width - 2 - column - len(advice.command) for advice in dashboard.advice}
    together = all(left >= 0 for label, left in room.items() if label != "skip")  # its command is the longest
    for advice in dashboard.advice:
        fits = together and room[advice.label] >= 0
        left, below = advice.label.ljust(LABEL) + advice.text, " " * (LABEL + 2)
        why = [below + line for line in wrapped(advice.reason, width - len(below))] if advice.reason else []
        yield from (
            [f"  {left.ljust(column)}{advice.command}", *why] if fits else [f"  {left}", *why, below + advice.command]
        )
    yield ""
    hints = ("map: tfx explain", "all experiments: tfx experiment", "help: tfx -h")
    one_line = "  " + "      ".join(hints)
    yield from [one_line] if len(one_line) <= width else [f"  {hint}" for hint in hints]


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

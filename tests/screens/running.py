"""Which screens are recorded, and how they are made again."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Literal, NamedTuple

from tests.lab.quick_runs import served
from tests.screens.answers import verdicts_on
from tests.screens.besides import besides
from tests.screens.even_clocks import even_clocks
from tests.screens.sizes import sizes_of

FOLDER = Path(__file__).parent
RECORDED = FOLDER / "recorded"

#: runs `tfx words...` and gives its exit code, with stdout and stderr where the caller has put them
Run = Callable[[list[str]], int]


class Screen(NamedTuple):
    """name: of its file.  command: what is typed after `tfx`.  variables: of the environment.  unsteady: see
    `comparing.difference`.  shows: what the command writes into a pipe; the screenfuls of a terminal; what it writes
    and what an experiment gives besides, or which sizes it has; what a quiz says to every answer."""

    name: str
    command: str
    variables: dict[str, str]
    unsteady: str
    shows: Literal["pipe", "screenfuls", "besides", "sizes", "verdicts"] = "pipe"

    @property
    def path(self) -> Path:
        return RECORDED / f"{self.name}.txt"


def screens() -> list[Screen]:
    """All of screens.toml; each topic and experiment once more by itself, so that none can be forgotten."""
    from lessons.course import topics
    from lessons.decks import DECKS
    from tfx.lab import experiments

    listed = tomllib.loads((FOLDER / "screens.toml").read_text(encoding="utf-8"))
    clock = listed["clock"]
    found = [
        Screen(name, entry["command"], entry.get("variables", {}), entry.get("unsteady", clock))
        for name, entry in listed["screen"].items()
    ]
    for topic in topics():
        found.append(Screen(f"topic-{topic.name}", f"explain {topic.name} --details", {}, clock))
        found.append(Screen(f"screens-{topic.name}", f"explain {topic.name}", {}, clock, "screenfuls"))
        found.append(Screen(f"sheet-{topic.name}", f"quiz {topic.name} --sheet 40 --key --seed 3", {}, ""))
        found.append(Screen(f"verdicts-{topic.name}", f"quiz {topic.name}", {}, "", "verdicts"))
        found.append(Screen(f"settings-{topic.name}", f"explain {topic.name} --set help", {}, "", "sizes"))
    for deck in DECKS:
        found.append(Screen(f"sheet-{deck.name}", f"quiz {deck.name} --sheet 40 --key --seed 3", {}, ""))
        if (deck.path / "numbers.py").exists():  # the others have nothing that is judged
            found.append(Screen(f"verdicts-{deck.name}", f"quiz {deck.name}", {}, "", "verdicts"))
    for name in experiments():
        found.append(Screen(f"experiment-{name}", f"experiment {name} --quick --details", {}, clock))
        near = f"{clock}|the closest at"  # ... its limit may be what rounding leaves, another on another machine
        found.append(Screen(f"first-look-{name}", f"experiment {name} --quick", {}, near, "besides"))
        found.append(Screen(f"settings-of-{name}", f"experiment {name} --set help", {}, "", "sizes"))
    return found


def made(screen: Screen) -> str:
    """`$ tfx ...`, what it writes, and its exit code.  The environment is the caller's."""
    with even_clocks(), served(evenly=True):
        if screen.shows == "screenfuls":
            return f"$ tfx {screen.command}\n{pages_of(screen.command.split()[1])}"
        if screen.shows == "verdicts":
            return f"$ tfx {screen.command}\n" + "".join(f"{line}\n" for line in verdicts_on(screen.command.split()[1]))
        from tfx_cli.__main__ import main

        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(shlex.split(screen.command))
        more = list(unseen(screen))
    text = (out.getvalue() + err.getvalue()).replace(os.environ["TFX_HOME"], "TFX_HOME")
    return f"$ tfx {screen.command}\n{text}exit {code}\n" + "".join(f"{line}\n" for line in more)


def unseen(screen: Screen) -> Iterator[str]:
    """What belongs to a screen and is not on it."""
    from lessons.course import find_topic, lesson_of
    from tfx.lab import experiment_module

    subject = screen.command.split()[1] if screen.shows in ("besides", "sizes") else ""
    if screen.shows == "besides":
        yield from besides(subject)
    elif screen.shows == "sizes":
        of_topic = screen.command.startswith("explain ")
        yield from sizes_of(
            lesson_of(find_topic(subject)).settings() if of_topic else experiment_module(subject).Settings()
        )


def pages_of(name: str) -> str:
    """The screenfuls of every step of a topic at 80x24, as somebody sees them who reads on."""
    from lessons.course import find_topic, lesson_of
    from lessons.request import Request
    from lessons.walk import walk
    from tests.lessons.shown import steps_shown
    from tfx_cli.explaining.walk import Manner, written_parts
    from tfx_cli.options import Face

    topic = find_topic(name)
    steps = steps_shown(topic)
    if any("time" in step.name for step in steps):  # here clocks tick evenly
        steps = tuple(walk(topic, Request(None, 0, lesson_of(topic).settings())))
    return "".join(
        part.text
        for index, step in enumerate(steps)
        for part in written_parts(f"{index + 1}/{len(steps)}", step, Manner(Face.terminal, screen=True), {})
    )

"""Bare `tfx practice` on a terminal: a save gets its verdict, and the reader says when to go on.

Files are looked at a few times a second, by their names, so that an editor that saves by renaming is seen.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput, EnvironmentProblem
from tfx_cli.practice import workspace
from tfx_cli.practice.actions import next_hint, show_next, standings
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.learning import keep
from tfx_cli.practice.page import verdict_lines
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import clear_screen, height, interactive, prose_width, width
from tfx_cli.terminal.keys import single_keys
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise

#: seconds between two looks, and for which a file must rest before it is judged
LOOK, REST = 0.1, 0.2


def state_of(path: Path) -> tuple[int, int, int] | None:
    """Changes with every save; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watch:
    """One exercise at a time.  No file is judged that was not saved since, and no exercise left by itself."""

    def __init__(self, exercises: dict[str, Exercise], framework: Framework = Framework.numpy) -> None:
        self.exercises, self.framework = exercises, framework
        self.said: list[str] = []
        self.take(self.next_one())

    def take(self, exercise: Exercise) -> None:
        """Begins with an exercise: its file is made where there is none, else judged."""
        self.exercise = exercise
        self.path, new = workspace.begin(exercise, self.framework)
        self.seen = state_of(self.path)
        self.size = (width(), height())
        if new:
            self.said = [f"{self.path} was made for you. Write {exercise.signature}, and save."]
            self.show()
        else:
            self.judge()

    def next_one(self, after: str = "") -> Exercise:
        """The first that is not passed behind `after`, from the start again if need be; else the one behind it."""
        now, names = standings(), list(self.exercises)
        at = names.index(after) + 1 if after else 0
        order = names[at:] + names[:at]
        return self.exercises[next((name for name in order if now[name].last != "passed"), order[0])]

    def judge(self) -> None:
        from lessons.practice.frameworks import judge_answer

        clear_screen()
        write(f"Checking {self.exercise.name} ...\n")
        try:
            source = workspace.source_at(self.path)
        except (BadInput, EnvironmentProblem) as problem:
            self.said = [problem.message, problem.hint]
        else:
            verdict = judge_answer(self.exercise, self.path.resolve(), source, self.framework)
            look = keep(self.exercise, verdict)
            self.said = [*verdict_lines(verdict), *(["", *look.lines] if look else [])]
        self.show()

    @property
    def passed(self) -> bool:
        return standings()[self.exercise.name].last == "passed"

    def show(self) -> None:
        """What was said, and below it always: how far the reader is, the file, and the keys."""
        clear_screen()
        for line in self._lines():
            show_line(line)
        write(self.keys)

    def _lines(self) -> Iterator[str]:
        now = standings()
        passed, every = sum(one.last == "passed" for one in now.values()), len(now)
        wide = prose_width()
        yield from wrapped(f"{self.exercise.title} ({self.exercise.name})", wide)
        yield ""
        said = [
            part for line in self.said for part in ([line] if line.startswith(" ") else wrapped(line, wide) or [""])
        ]
        room = max(height() - 8, 6)
        yield from said[:room]
        if len(said) > room:
            yield f"  ... {len(said) - room} more lines: tfx practice check {self.exercise.name}{self.framework.words}"
        yield ""
        bar = "#" * round(20 * passed / every)
        yield f"[{bar:-<20}] {passed}/{every}   {self.path}"

    @property
    def keys(self) -> str:
        known = ["h hint", *(["n next"] if self.passed else []), "s skip", "l list", "q quit "]
        return "  " + "   ".join(known)

    def press(self, key: str) -> bool:
        """Whether to go on watching."""
        if key in ("q", "", "\x04"):
            return False
        if key == "h":
            number, words = next_hint(self.exercise, self.framework)
            self.said = [*self.said, "", f"hint {number} of {len(self.exercise.hints)}: {words}"]
            self.show()
        elif (key == "n" and self.passed) or key == "s":
            self.take(self.next_one(self.exercise.name))
        elif key == "l":
            now = standings()
            self.said = [f"{now[name].word:8}  {name}" for name in self.exercises]
            self.show()
        return True

    def look(self) -> None:
        """Judges the file if it was saved, once it rests; draws the screen anew if its size changed."""
        found = state_of(self.path)
        if found != self.seen and found is not None:
            time.sleep(REST)
            while (later := state_of(self.path)) != found:
                found = later
                time.sleep(REST)
            self.seen = found
            self.judge()
        elif self.size != (now := (width(), height())):
            self.size = now
            self.show()


def go_on(framework: Framework) -> None:
    """Watches the current exercise on a terminal; elsewhere says which it is, and what to type."""
    if interactive() and sys.platform != "win32":
        from lessons.practice.exercise import exercises

        watch(framework.those_of(exercises()), framework)
    else:
        show_next(framework)


def watch(exercises: dict[str, Exercise], framework: Framework = Framework.numpy) -> None:
    """Until the reader leaves."""
    with single_keys() as next_key:
        seen = Watch(exercises, framework)
        try:
            while True:
                if select.select([sys.stdin], [], [], LOOK)[0]:
                    if not seen.press(next_key()):
                        break
                else:
                    seen.look()
        except KeyboardInterrupt:
            pass
    write("\n")
    show_line(f"go on   tfx practice{framework.words}")

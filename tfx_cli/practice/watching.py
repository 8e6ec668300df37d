"""Bare `tfx practice` on a terminal: a save gets its verdict, and the reader says when to go on.

Files are looked at a few times a second, by their names, so that an editor that saves by renaming is seen.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput, EnvironmentProblem
from tfx_cli.practice import workspace
from tfx_cli.practice.actions import history, next_hint, solution_lines, standings
from tfx_cli.practice.checking import again_lines, checked_again
from tfx_cli.practice.choosing import Chooser
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.learning import Look, keep
from tfx_cli.practice.page import about_of
from tfx_cli.practice.taking_up import take_up
from tfx_cli.practice.watch_page import Sheet
from tfx_cli.render.files import attempted
from tfx_cli.terminal.console import clear_screen, height, wants_color, width
from tfx_cli.terminal.keys import forget_keys, single_keys
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict
    from tfx_cli.learner.practised import Practised
    from tfx_cli.practice.workspace import Standing

#: seconds between two looks, and for which a file must rest before it is judged
LOOK, REST = 0.1, 0.2
#: tries in vain after which hints are called to mind
TRIES = 3


def state_of(path: Path) -> tuple[int, int, int] | None:
    """Changes with every save; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watch:
    """One exercise at a time.  No file is judged that was not saved since, and no exercise left by itself."""

    def __init__(
        self, exercises: Mapping[str, Exercise], framework: Framework = Framework.numpy, name: str = ""
    ) -> None:
        """name: of the exercise to begin with; else the one that was worked on last."""
        self.exercises, self.framework = exercises, framework
        self.asking: Callable[[str], bool] = self.press_in_exercise
        lines = history()
        self.take(exercises[name or workspace.current_name(self.standings(lines), lines)])

    def standings(self, lines: Sequence[Practised] | None = None) -> dict[str, Standing]:
        """Of the exercises that can be taken here."""
        return {name: one for name, one in standings(lines).items() if name in self.exercises}

    def take(self, exercise: Exercise, *notes: str) -> None:
        """Begins with an exercise: its file is made where there is none, else judged.  notes: what else is said."""
        self.exercise, taken = exercise, take_up(exercise, self.framework)
        self.path, self.notes = taken.path, [*notes, *taken.notes]
        self.verdict: Verdict | None = None
        self.look_at: Look | None = None
        self.hints: list[str] = []
        self.asking = self.press_in_exercise
        self.seen = state_of(self.path)
        self.size = (width(), height())
        if taken.new:
            made = [] if notes else [f"{self.path} was made for you, in {Path.cwd()}."]
            what = f"Open it in your editor, write {exercise.signature}, and save: each save is judged here."
            self.notes = [*made, *self.notes, what]
            self.show()
        else:
            self.judge(*self.notes)

    def judge(self, *notes: str) -> None:
        """notes: what is said below the verdict in any case."""
        from lessons.practice.frameworks import judge_answer

        clear_screen()
        write(f"Checking {self.exercise.name} ...\n")
        before = self.standings()
        try:
            source = workspace.source_at(self.path)
            verdict = judge_answer(self.exercise, self.path.resolve(), source, self.framework)
        except (BadInput, EnvironmentProblem) as problem:
            self.verdict, self.notes = None, [problem.message, problem.hint]
        else:
            self.verdict, self.notes = verdict, list(notes)
            self.look_at, unkept = attempted(lambda: keep(self.exercise, verdict))
            self.notes += [unkept.message, unkept.hint] if unkept else self.more_to_say(before)
        forget_keys()
        self.show()

    def more_to_say(self, before: Mapping[str, workspace.Standing]) -> list[str]:
        """After a verdict: what a pass opens, or that there are hints."""
        now, name = self.standings(), self.exercise.name
        own = now[name]
        if self.passed:
            self.hints = []
            if all(one.last == "passed" for one in now.values()):
                return self.all_done(again=before[name].last != "passed")
            about = about_of(self.exercise)
            return [*([f"more about it: {about}"] if about else []), "one way to write it: press a"]
        if own.failed < TRIES:
            return []
        if own.hints < len(self.exercise.hints):
            return [f"Stuck after {own.failed} tries? Press h: hint {own.hints + 1} of {len(self.exercise.hints)}."]
        return [f"Stuck? It can be looked up, and stays pending: tfx practice solution {name} --give-up"]

    def all_done(self, again: bool) -> list[str]:
        """The last one is passed.  again: every other file is judged once more before that is said."""
        if again:
            now = self.standings()
            others = {name: one for name, one in now.items() if name != self.exercise.name}
            broken, looked_at = checked_again(
                others, self.framework, lambda place, every, _: self.tell_progress(place, every)
            )
            if broken:
                return list(again_lines(broken, looked_at, 0))
        every = len(self.exercises)
        done = [f"ALL DONE: {every} of {every} passed" + (", and every file here judged once more." if again else ".")]
        return [*done, "one way to write this one: press a", "go on: tfx quiz   or take one up again: press l"]

    def tell_progress(self, place: int, every: int) -> None:
        write(f"\rChecking all once more: {place + 1} of {every} ...")

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed

    def show(self) -> None:
        """What was said, and below it always: how far the reader is, the file, and the keys."""
        clear_screen()
        now = self.standings()
        sheet = Sheet(self.exercise, self.path, self.verdict, self.look_at, self.notes, self.hints)
        passed = sum(one.last == "passed" for one in now.values())
        for line in sheet.lines(width(), height(), passed, len(now), self.keys):
            show_line(line, bold=line in sheet.loud and wants_color(sys.stdout))
        write(sheet.foot(width(), passed, len(now), self.keys))

    @property
    def keys(self) -> tuple[str, ...]:
        if self.asking == self.press_in_question:
            return ("begin anew? your text is kept", "y yes", "n no ")
        own = ("n next", "a answer") if self.passed else ("h hint", "s skip")
        return (*own, "l list", "x anew", "q quit ")

    def press(self, key: str) -> bool:
        """Whether to go on watching."""
        return self.asking(key)

    def press_in_exercise(self, key: str) -> bool:
        if key in ("q", "", "\x04"):
            return False
        if key == "h":
            number, words = next_hint(self.exercise, self.framework)
            said = f"hint {number} of {len(self.exercise.hints)}: {words}"
            self.hints = [*(one for one in self.hints if one != said), said]
            self.show()
        elif (key == "n" and self.passed) or key == "s":
            self.take(self.exercises[workspace.next_name(self.standings(), self.exercise.name)])
        elif key == "a" and self.passed:
            self.notes = ["one way to write it:", *("  " + line for line in solution_lines(self.exercise))]
            self.show()
        elif key == "l":
            self.open_list()
        elif key == "x":
            self.asking = self.press_in_question
            self.show()
        return True

    def press_in_question(self, key: str) -> bool:
        """Whether the exercise is to begin anew."""
        self.asking = self.press_in_exercise
        if key == "y":
            kept = workspace.set_aside(self.exercise, self.framework)
            self.take(self.exercise, *([f"What you wrote is kept: {kept}"] if kept else []))
        else:
            self.show()
        return key not in ("", "\x04")

    def open_list(self) -> None:
        from lessons.exercise_names import listed

        self.chooser = Chooser(self.framework.names_of(listed()), self.standings(), self.exercise.name)
        self.asking = self.press_in_list
        self.show_list()

    def show_list(self) -> None:
        clear_screen()
        *lines, last = self.chooser.lines(width(), height())
        for line in lines:
            show_line(line, bold=line.startswith(">") and wants_color(sys.stdout))
        write(last)

    def press_in_list(self, key: str) -> bool:
        was, what = self.exercise.name, self.chooser.press(key)
        if what in ("take", "anew"):
            self.asking = self.press_in_exercise
            if self.chooser.at != self.exercise.name:
                self.take(self.exercises[self.chooser.at])
            if what == "anew":
                self.asking = self.press_in_question
            if what == "anew" or self.chooser.at == was:
                self.show()
        elif what == "back":
            self.asking = self.press_in_exercise
            self.show()
        elif not what:
            self.show_list()
        return what != "quit"

    def look(self) -> None:
        """Judges the file if it was saved, once it rests; draws the screen anew if its size changed."""
        found = state_of(self.path)
        if found != self.seen:
            time.sleep(REST)
            while (later := state_of(self.path)) != found:
                found = later
                time.sleep(REST)
            self.seen, self.asking = found, self.press_in_exercise
            if found is None:
                self.verdict, self.notes = None, [f"{self.path} is gone. Press x to begin it anew, or put it back."]
                self.show()
            else:
                self.judge()
        elif self.size != (now := (width(), height())):
            self.size = now
            self.show_list() if self.asking == self.press_in_list else self.show()


def watch(exercises: Mapping[str, Exercise], framework: Framework = Framework.numpy, name: str = "") -> None:
    """Until the reader leaves."""
    with single_keys() as next_key:
        try:
            seen = Watch(exercises, framework, name)
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

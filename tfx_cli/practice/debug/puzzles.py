"""The puzzles of a learner: `tfx-practice/debug/NAME.py`, and what became of each.

In the history a puzzle is an exercise with the name `debug/NAME`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput
from tfx_cli.practice.actions import history
from tfx_cli.practice.workspace import FOLDER, Standing, standing_of

if TYPE_CHECKING:
    from tfx_cli.learner.practised import Practised

PREFIX = "debug/"
#: what ends a puzzle: it was mended, or every line was named
ENDS = ("passed", "found")


@dataclass(frozen=True)
class Begun:
    """One puzzle of the history.  way: read, symptoms or mine.  planted: what, in a file of the learner's."""

    name: str
    way: str
    at: datetime | None
    planted: str
    standing: Standing
    ended: str

    @property
    def path(self) -> Path:
        return file_named(self.name)

    @property
    def word(self) -> str:
        if self.ended:
            return "fixed" if self.ended == "passed" else "found"
        tries = self.standing.tries
        again = ", gave up" if self.standing.gave_up else ""
        return f"open after {tries} tr{'y' if tries == 1 else 'ies'}{again}" if tries else f"open{again}"


def file_named(name: str) -> Path:
    return FOLDER / "debug" / f"{name}.py"


def begun() -> dict[str, Begun]:
    """Every puzzle of the history by name, the one that was last touched last."""
    lines = [line for line in history() if line.exercise.startswith(PREFIX)]
    last = {line.exercise: place for place, line in enumerate(lines)}
    names = [name for name, _ in sorted(last.items(), key=lambda item: item[1])]
    return {name.removeprefix(PREFIX): _begun(name, lines) for name in names}


def _begun(exercise: str, lines: list[Practised]) -> Begun:
    own = [line for line in lines if line.exercise == exercise]
    starts = [line for line in own if line.act == "started"]
    ends = [line.verdict for line in own if line.act == "tried" and line.verdict in ENDS]
    return Begun(
        exercise.removeprefix(PREFIX),
        starts[-1].verdict if starts else "symptoms",
        starts[-1].at if starts else None,
        starts[-1].mistake if starts else "",
        standing_of(exercise, own),
        "passed" if "passed" in ends else ends[0] if ends else "",
    )


def current(name: str) -> str:
    """The puzzle that is meant: the one of that name, else the one that was last touched.

    Raises BadInput for none, and where the last one has no file here: no other is judged or begun anew in its place.
    """
    name = name.removesuffix(".py").rpartition("/")[2]
    if name:
        if not file_named(name).exists():
            from lessons.practice.debug.planting import puzzle_named

            if not name.startswith("mine-"):
                puzzle_named(name)
            raise BadInput(f"{file_named(name)} is not there.", "See yours: tfx practice debug")
        return name
    names = list(begun())
    there = [name for name in names if file_named(name).exists()]
    if not there:
        raise BadInput("no puzzle is begun in this folder.", "Begin one: tfx practice debug start")
    if there[-1] != names[-1]:  # its file was renamed, or stands in another folder
        raise BadInput(
            f"{names[-1]} was the last one, and {file_named(names[-1])} is not there.",
            f"Name the one that you mean, such as: {there[-1]}",
        )
    return there[-1]

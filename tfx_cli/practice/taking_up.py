"""An exercise is taken up: its file is made where there is none, and the history says that it is being worked on.

An exercise may change with a new tfx.  A file that nothing was written into begins anew then; any other stays, and the
new beginning is laid beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfx_cli.learner.state import open_to_write
from tfx_cli.practice import workspace
from tfx_cli.practice.framework import Framework
from tfx_cli.render.files import attempted, write_whole
from tfx_cli.terminal.lines import tell

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise


@dataclass(frozen=True)
class Taken:
    """new: the file was made just now.  notes: sentences for the reader."""

    path: Path
    new: bool
    notes: tuple[str, ...] = ()


def take_up(exercise: Exercise, framework: Framework = Framework.numpy) -> Taken:
    """Raises EnvironmentProblem where the file cannot be written; a history that cannot be is said in a note."""
    path, new = workspace.begin(exercise, framework)
    notes, problem = attempted(lambda: _noted(exercise, framework, path, new))
    return Taken(path, new, (problem.message,) if problem else tuple(notes or ()))


def _noted(exercise: Exercise, framework: Framework, path: Path, new: bool) -> list[str]:
    """Puts it on record.  Returns what the reader should know about the file."""
    here, mark = str(path.absolute().parent), workspace.mark_of(exercise, framework)
    with open_to_write() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        lines = state.practice()
        begun, folder = workspace.standing_of(exercise.name, lines).begun.get(framework, ("", ""))
        changed = not new and begun not in ("", mark)
        notes = list(_elsewhere(folder, path, here)) if new else []
        notes += _changed(exercise, framework, begun, path) if changed else ()
        if not (lines and lines[-1].exercise == exercise.name and (begun, folder) == (mark, here)):
            state.record_practice(exercise.name, "started", f"{framework} {mark}", here)
    return notes


def _elsewhere(folder: str, path: Path, here: str) -> Iterator[str]:
    """A file is made in one folder while there is one in another."""
    other = Path(folder) / path.name
    if folder not in ("", here) and other.is_file():
        yield f"What you wrote before is in another folder, and stays there: {other}"


def _changed(exercise: Exercise, framework: Framework, begun: str, path: Path) -> Iterator[str]:
    """The exercise is another one than the file was begun with."""
    starter = exercise.starter_in(framework).encode("utf-8")
    try:
        untouched = hashlib.sha256(path.read_bytes()).hexdigest().startswith(begun)
    except OSError:
        return
    if untouched:
        write_whole(path, starter)
        yield "This exercise has changed since. Nothing was written into the file, so it is begun anew."
        return
    beside = path.with_suffix(".new")
    if beside.exists():
        beside = path.with_suffix(f".{workspace.mark_of(exercise, framework)}.new")
    write_whole(beside, starter)
    yield f"This exercise has changed since. Your file is as you left it; how it begins now is in {beside}"

"""The learner's files: `tfx-practice/NAME.py` in the current folder, in PyTorch `tfx-practice/torch/NAME.py`; without
the first part where the current folder is tfx-practice itself.  Written once, and never written over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput, EnvironmentProblem
from tfx_cli.learner.practised import Practised
from tfx_cli.practice.framework import Framework
from tfx_cli.render.files import cannot_write, write_whole

if TYPE_CHECKING:
    from lessons.exercise_names import Listed
    from lessons.practice.exercise import Exercise

FOLDER = Path("tfx-practice")
LONGEST = 1_000_000
#: what somebody who has not begun is shown: a few lines, and a mistake that nearly everybody makes
FIRST = "softmax"


@dataclass(frozen=True)
class Standing:
    """What a learner did with one exercise.  tries: how often a file was judged; failed: how often in vain since the
    last hint or pass; hints: how many were shown.  begun: framework -> the mark of what it was begun with, and the
    folder."""

    tries: int = 0
    failed: int = 0
    hints: int = 0
    passed: bool = False
    gave_up: bool = False
    last: str = ""
    begun: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """`passed`, `pending after 3 tries`, or `new`; a file that broke after it had passed is pending again."""
        if self.last == "passed":
            return "passed"
        again = ", passed before" if self.passed else ", gave up" if self.gave_up else ""
        return f"pending after {self.tries} tr{'y' if self.tries == 1 else 'ies'}{again}" if self.tries else "new"


def standing_of(name: str, lines: Iterable[Practised]) -> Standing:
    own = [line for line in lines if line.exercise == name]
    tried = [line for line in own if line.act == "tried"]
    settled = max((place for place, line in enumerate(own) if line.act == "hint" or line.passed), default=-1)
    return Standing(
        tries=len(tried),
        failed=sum(line.act == "tried" for line in own[settled + 1 :]),
        hints=max((int(line.verdict) for line in own if line.act == "hint" and line.verdict.isdigit()), default=0),
        passed=any(line.passed for line in own),
        gave_up=any(line.act == "gave up" for line in own),
        last=tried[-1].verdict if tried else "",
        begun={
            framework: (mark, line.mistake)
            for line in own
            if line.act == "started"
            for framework, _, mark in [line.verdict.partition(" ")]
        },
    )


def next_name(now: Mapping[str, Standing], after: str = "") -> str:
    """The first exercise that is not passed behind `after`, from the start again if need be; else the one behind it.
    Without `after` it begins at FIRST."""
    names = list(now)
    at = names.index(after) + 1 if after else names.index(FIRST) if FIRST in now else 0
    order = names[at:] + names[:at]
    return next((name for name in order if now[name].last != "passed"), order[0])


def current_name(now: Mapping[str, Standing], lines: Sequence[Practised]) -> str:
    """The exercise that was worked on last; once it is passed, the next one that is not."""
    last = next((line.exercise for line in reversed(lines) if line.exercise in now and line.act != "gave up"), "")
    return last if last and now[last].last != "passed" else next_name(now, last)


def mark_of(exercise: Exercise, framework: Framework) -> str:
    """Tells whether an exercise still begins as it did: a few digits of its starter."""
    return hashlib.sha256(exercise.starter_in(framework).encode("utf-8")).hexdigest()[:16]


def file_of(exercise: Exercise | Listed, framework: Framework = Framework.numpy) -> Path:
    folder = Path() if Path.cwd().name == FOLDER.name else FOLDER
    if framework is not Framework.numpy:
        folder /= framework
    return folder / f"{exercise.name.replace('-', '_')}.py"


def begin(exercise: Exercise, framework: Framework = Framework.numpy) -> tuple[Path, bool]:
    """The learner's file, and whether it is new.  Raises EnvironmentProblem when it cannot be written."""
    path = file_of(exercise, framework)
    return path, written_once(path, exercise.starter_in(framework))


def written_once(path: Path, text: str) -> bool:
    """Makes the file where there is none, and says whether it did.  Raises EnvironmentProblem when that fails."""
    if path.is_dir():
        raise EnvironmentProblem(
            f'"{path}" is a folder, where your file should be.', "Move the folder, then try again."
        )
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None
    write_whole(path, text.encode("utf-8"))
    return True


def set_aside(exercise: Exercise, framework: Framework = Framework.numpy) -> Path | None:
    """Moves the learner's file to a name of its own, with the time in it; None where there is none."""
    return moved_aside(file_of(exercise, framework))


def moved_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    now = datetime.now(UTC)
    kept = path.with_name(f"{path.stem}.{now:%Y%m%dT%H%M%S%f}.kept")
    try:
        path.rename(kept)
    except OSError as error:
        raise cannot_write(path, error) from None
    return kept


def source_at(path: Path) -> str:
    """The text of a learner's file.  Raises BadInput where it is none, EnvironmentProblem where it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f'there is no file "{path}".', "Begin one: tfx practice start NAME") from None
    except IsADirectoryError:
        raise BadInput(f'"{path}" is a folder.', "Name a file in it.") from None
    except OSError as error:
        raise EnvironmentProblem(f'cannot read "{path}": {error.strerror or error}.', "Permit reading it.") from None
    if len(data) > LONGEST:
        raise BadInput(f'"{path}" has {len(data):,} bytes, which no exercise needs.', "Name the file of the exercise.")
    try:
        return data.decode("utf-8-sig")  # some editors of Windows put a mark in front
    except UnicodeDecodeError:
        raise BadInput(f'"{path}" is no text in UTF-8.', "Save it as UTF-8, then try again.") from None

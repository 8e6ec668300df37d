"""Where trained models lie.  A name tells what differs from the task's own settings, and no file is written over.

    reverse.npz                             as `tfx train reverse` trains it
    reverse-positions-none-seed-1.npz       positions, seed, steps, in this order, where they are others
    reverse-2.npz                           that name was taken by something that is not the same to the last bit

A run is found again by the settings inside the file, so older names are found as well.  A run that goes on is saved
in its own file: what it held is the beginning of what it holds then.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

from tfx.errors import BadInput, EnvironmentProblem
from tfx.io.checkpoint import LARGEST, read_facts
from tfx.io.npz import DamagedFile
from tfx.train import TaskRun, TaskSettings
from tfx.train.task import DEFAULT_STEPS
from tfx_cli.render.files import cannot_write

#: of the sizes of a run, and of its steps: far above what fits a computer or a life
LARGEST_SIZE, MOST_STEPS = 2**16, 10**9


class Saved(NamedTuple):
    """A checkpoint on disk."""

    path: Path
    settings: TaskSettings
    steps_done: int

    @property
    def is_finished(self) -> bool:
        return self.steps_done == self.settings.steps


class Kept(NamedTuple):
    """Where a run was saved.  same: it was there before, to the last bit; taken: what held the name it wanted."""

    path: Path
    same: bool = False
    taken: str = ""


def model_folder() -> Path:
    """`trained` in the data folder, which is made if needed."""
    from tfx_cli.learner.state_file import data_folder, make_data_folder

    place = data_folder() / "trained"
    try:
        make_data_folder()
        place.mkdir(exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentProblem(
            f'cannot make the folder "{place}": {why}.', "Choose a place: --out FILE.npz"
        ) from None
    return place


def changes(settings: TaskSettings) -> dict[str, str]:
    """The options of `tfx train` that differ from those of the task, in the order of a name; steps is a number."""
    default = TaskSettings(settings.task, steps=DEFAULT_STEPS[settings.task])
    return {
        name: str(getattr(settings, name))
        for name in ("positions", "seed", "steps")
        if getattr(settings, name) != getattr(default, name)
    }


def file_name(settings: TaskSettings) -> str:
    return "-".join([settings.task, *(f"{name}-{value}" for name, value in changes(settings).items())]) + ".npz"


def command_of(settings: TaskSettings, *words: str, out: Path | None = None) -> str:
    """`tfx train TASK` with these settings, then `words`; out: the file, where it is not found by the settings."""
    options = [part for name, value in changes(settings).items() for part in (f"--{name}", value)]
    place = ["--out", str(out)] if out else []
    return shlex.join(["tfx", "train", settings.task, *options, *words, *place])


def read(path: Path) -> Saved:
    """What a checkpoint says of itself.  Raises BadInput when there is none, DamagedFile when it is no such file."""
    steps_done, _, own = read_facts(path)
    settings = own.get("settings")
    if not isinstance(settings, dict) or not is_a_run(settings):
        raise DamagedFile(f"{path} is not a checkpoint of `tfx train`.", "Give a file that `tfx train` has written.")
    return Saved(path, TaskSettings(**settings), steps_done)


def is_a_run(settings: Mapping[str, object]) -> bool:
    """Whether these are settings that a run may have: every name, type and size."""
    kinds = {field.name: field.default for field in fields(TaskSettings)}
    if not {"task", "steps"} <= set(settings) <= set(kinds) or settings["task"] not in DEFAULT_STEPS:
        return False
    for name, value in settings.items():
        if name == "task":
            continue
        if isinstance(kinds[name], str):
            good = isinstance(value, str)
        elif isinstance(kinds[name], float):
            good = isinstance(value, int | float) and 0 <= value < 1e6
        else:
            most = LARGEST if name == "seed" else MOST_STEPS if name == "steps" else LARGEST_SIZE
            good = isinstance(value, int) and 0 <= value <= most
        if not good or isinstance(value, bool):
            return False
    return True


def saved_runs(task: str) -> list[Saved]:
    """All runs of a task in the data folder that can be read, the shortest name first."""
    found = []
    for path in sorted(model_folder().glob("*.npz"), key=lambda path: (len(path.name), path.name)):
        try:
            found.append(read(path))
        except (BadInput, EnvironmentProblem):  # what cannot be read is nobody's run
            continue
    return [saved for saved in found if saved.settings.task == task]


def to_go_on(settings: TaskSettings, out: Path | None) -> Path:
    """The checkpoint for --resume: of these settings, rather one that is not finished.

    Raises BadInput with the right command when there are only others.
    """
    if out is not None:
        saved = read(out)
        if saved.settings != settings:
            raise BadInput(
                f"{out} is from a run with {difference(saved.settings, settings)}.",
                f"Go on with it: {command_of(saved.settings, '--resume', out=out)}",
            )
        return out
    runs = saved_runs(settings.task)
    same = sorted((saved for saved in runs if saved.settings == settings), key=lambda saved: saved.is_finished)
    if same:
        return same[0].path
    if not runs:
        own = model_folder() / file_name(settings)
        if own.exists():
            return own  # it cannot be read, and whoever tries says why
        start = command_of(settings)
        raise BadInput(f"no run of {settings.task} is saved, so there is nothing to go on from.", f"Start: {start}")
    raise BadInput(
        f"no run of {settings.task} with these settings is saved, but {names_of(runs)}.",
        f"Go on with it: {or_else([command_of(saved.settings, '--resume') for saved in runs])}",
    )


def to_try(settings: TaskSettings, out: Path | None, text: str) -> Saved:
    """The model for --try: of the file, whatever its settings, or of these settings, the one that was trained most.

    Raises BadInput with the right command when there is none.
    """
    if out is not None:
        saved = read(out)
        if saved.settings.task != settings.task:
            own = shlex.join(["tfx", "train", saved.settings.task, "--try", text, "--out", str(out)])
            raise BadInput(f"{out} was trained for {saved.settings.task}, not for {settings.task}.", f"Try: {own}")
        return saved
    runs = saved_runs(settings.task)
    same = [saved for saved in runs if saved.settings == settings]
    if same:
        return max(same, key=lambda saved: saved.steps_done)
    others = f", but {names_of(runs)}" if runs else ""
    commands = or_else([command_of(saved.settings, "--try", text) for saved in runs])
    hint = f"Train it: {command_of(settings)}" + (f"   or try: {commands}" if runs else "")
    raise BadInput(f"no model of {settings.task} with these settings is trained{others}.", hint)


def keep(run: TaskRun, wanted: Path) -> Kept:
    """Saves a run that began anew under a free name; what is the same to the last bit is not kept twice."""
    path = free_name(wanted)
    while not write(run, path, new=True):  # another training has just taken it
        path = free_name(wanted)
    new = path.read_bytes()
    for older in taken_names(wanted):
        if older != path and older.read_bytes() == new:
            path.unlink()
            return Kept(older, same=True)
    return Kept(path, taken="" if path == wanted else f"{wanted.name} holds {what_stands_in(wanted, run)}")


def what_stands_in(path: Path, run: TaskRun) -> str:
    """Of a file that is not this run: how it differs, in words."""
    try:
        saved = read(path)
    except (BadInput, EnvironmentProblem):
        return "something else"
    if saved.settings != run.settings:
        return f"a run with {difference(saved.settings, run.settings)}"
    if saved.steps_done != run.steps_done:
        return f"this run after step {saved.steps_done}"
    return "the same run with other numbers, as another machine or version gives them"


def write(run: TaskRun, path: Path, new: bool = False) -> bool:
    """Writes the checkpoint; a file that was there stays whole when that fails.

    new: says whether the name was free, and writes nothing when it was not.
    """
    try:
        run.save(path, new)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from None
    return True


def free_name(wanted: Path) -> Path:
    """`wanted`, or with the first number from 2 that is free."""
    taken = set(taken_names(wanted))
    return next(path for path in numbered(wanted, len(taken) + 1) if path not in taken)


def taken_names(wanted: Path) -> list[Path]:
    """Those of `wanted`, its `-2`, `-3` ... that stand there, up to the first that does not."""
    found: list[Path] = []
    while (path := numbered(wanted, len(found) + 1)[-1]).exists() or path.is_symlink():
        found.append(path)
    return found


def numbered(wanted: Path, count: int) -> list[Path]:
    """`reverse.npz`, `reverse-2.npz`, ..."""
    return [wanted, *(wanted.with_name(f"{wanted.stem}-{n}{wanted.suffix}") for n in range(2, count + 1))]


def difference(theirs: TaskSettings, ours: TaskSettings) -> str:
    """`seed 0 and not 1`"""
    asked = asdict(ours)
    return ", ".join(
        f"{name} {value} and not {asked[name]}" for name, value in asdict(theirs).items() if asked[name] != value
    )


def names_of(runs: Sequence[Saved]) -> str:
    """`reverse.npz is`, `a.npz and b.npz are`"""
    *before, last = (saved.path.name for saved in runs)
    return f"{', '.join(before)} and {last} are" if before else f"{last} is"


def or_else(commands: Sequence[str]) -> str:
    """The first few commands of a hint."""
    return "   or: ".join(dict.fromkeys(commands[:3]))

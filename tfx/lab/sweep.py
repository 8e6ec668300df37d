"""An experiment whose keys are measured by several workers: the same rows as one process gives, in the same order.

    keys_of(experiment, run)     what `run.over` is asked for
    measure_key(task)            the rows of one key: what a worker does
    shared(..., workers)         hands out every key that is not kept yet, and keeps each as it comes back

Afterwards the experiment runs as always (tfx/lab/frame.py) and finds every key kept.  So a row must not depend on other
rows, which `run.over` promises, and whoever is stopped loses no more than the keys in hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.kept_rows import KeptRows, Piece


class Task(NamedTuple):
    """One key of one run; it can be pickled.  key: as repr writes it."""

    module: str
    settings: Any
    seed: int
    quick: bool
    full: bool
    key: str


class Workers(Protocol):
    """What runs tasks elsewhere: tfx/lab/workers.py."""

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Piece]]:
        """measure_key of every task, as they are done.  A worker that dies costs the task it had in hand, once more."""
        ...


class Found(Exception):
    """Leaves the generator of an experiment with what was looked for."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found


class Asking(frame.Run[Any]):
    """A run that only wants to know its keys."""

    def over(self, keys: Iterable[Any], label: str = "{}") -> Iterator[Any]:
        raise Found([repr(key) for key in keys])


class OnlyKey:
    """Stands in for kept rows: of all keys but one it says that they are there, and what that one gives it takes."""

    kept = 0

    def __init__(self, key: str) -> None:
        self.key = key

    def find(self, key: Any) -> Piece | None:
        return None if repr(key) == self.key else Piece((), ())

    def keep(self, key: Any, piece: Piece) -> None:
        raise Found(piece)


def keys_of(experiment: ModuleType, this: frame.Run[Any]) -> list[str]:
    """Raises BadInput for an experiment that does not go over keys: its rows depend on each other."""
    asking = Asking(this.settings, this.seed, this.quick, this.device, full=this.full)
    try:
        for _ in experiment.rows(asking):
            break
    except Found as leaving:
        return list(leaving.found)
    raise BadInput(
        "the rows of this experiment depend on each other, so that they cannot be shared out.",
        "Run it without --workers.",
    )


def measure_key(task: Task) -> Piece:
    """The rows and checks of one key, as `run.over` would have kept them."""
    experiment = importlib.import_module(task.module)
    only: Any = OnlyKey(task.key)
    this = frame.Run(task.settings, task.seed, task.quick, kept=only, full=task.full)
    try:
        frame.measure(experiment, this)
    except Found as leaving:
        piece: Piece = leaving.found
        return piece
    raise LookupError(f"{task.module} has no key {task.key}")


def share(experiment: ModuleType, this: frame.Run[Any], workers: Workers) -> None:
    """Fills `this.kept` with what the workers measure.  Raises frame.Stopped on Ctrl-C, with the rows there are."""
    kept = this.kept
    assert kept is not None, "what is shared out is kept"
    keys = keys_of(experiment, this)
    tasks = [
        Task(experiment.__name__, this.settings, this.seed, this.quick, this.full, key)
        for key in keys
        if key not in kept.pieces
    ]
    done = len(keys) - len(tasks)
    this.progress(done, len(keys), "shared out")
    try:
        for task, piece in workers.run(tasks):
            kept.keep_as(task.key, piece)
            done += 1
            this.progress(done, len(keys), task.key)
    except KeyboardInterrupt:
        raise stopped(experiment, this, keys, kept) from None


def stopped(experiment: ModuleType, this: frame.Run[Any], keys: list[str], kept: KeptRows) -> frame.Stopped:
    import time

    there = [kept.pieces[key] for key in keys if key in kept.pieces]
    this.rows = [dict(row) for piece in there for row in piece.rows]
    this.verdicts = [check for piece in there for check in piece.checks]
    this.n_keys, this.n_done = len(keys), len(there)
    return frame.stopped(experiment, this, time.perf_counter())

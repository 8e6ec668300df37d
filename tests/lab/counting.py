"""An experiment for the tests of sweeps: a worker may be told to die, or to wait, at a key."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import exactly
from tfx.records import Check, Column, Plot, Text
from tfx.settings import setting

QUESTION = "What does each key draw?"
TITLE = "Counting"
COLUMNS = (Column("key", "key"), Column("drawn", "drawn"), Column("process", "process"))


@dataclass(frozen=True)
class Settings:
    """dies_at: the key at which a worker is killed, once if the file `mark` can be made there, else always."""

    top: int = setting(6, 1, 100)
    dies_at: int = setting(-1)
    mark: str = ""
    waits: float = setting(0.0, 0.0, 60.0)


def rows(run: Run[Settings]) -> Measured:
    for key in run.over(range(run.settings.top)):
        if key == run.settings.dies_at and first_time(run.settings.mark):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(run.settings.waits)
        yield exactly(f"key-{key}", "a check that belongs to a key", key, key)
        yield {"key": key, "drawn": float(run.generator(key).standard_normal()), "process": os.getpid()}


def first_time(mark: str) -> bool:
    if not mark:
        return True
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    return (exactly("all", "every key has a row", run.settings.top, len(run.rows)),)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    return (Text("Counted."),)


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return ()

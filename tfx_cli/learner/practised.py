"""A line of the list of what was practised: what it holds, how it is written, and how a damaged one is recognised.

The table is made when the first line is written, like that of the seen steps; an older tfx reads the file without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.answers import as_time
from tfx_cli.learner.state_file import stamp

PRACTISED_FIELDS = "exercise, act, verdict, mistake, at"
TABLE = """
CREATE TABLE IF NOT EXISTS practised (
    id INTEGER PRIMARY KEY AUTOINCREMENT, exercise TEXT NOT NULL, act TEXT NOT NULL, verdict TEXT NOT NULL,
    mistake TEXT NOT NULL, at TEXT NOT NULL
)
"""
ACTS = ("started", "tried", "hint", "gave up")


@dataclass(frozen=True)
class Practised:
    """act: one of ACTS.  verdict: of what was tried, the number of the hint, the mark of what an exercise was started
    with, or the way in which a puzzle was.  mistake: its id, or nothing; of a start, the folder."""

    exercise: str
    act: str
    verdict: str
    mistake: str
    at: datetime

    @property
    def passed(self) -> bool:
        return self.act == "tried" and self.verdict == "passed"


def insert_practised(connection: sqlite3.Connection, line: Practised) -> None:
    """Appends one line, in the table that is made when it is missing."""
    connection.execute(TABLE)
    row = (line.exercise, line.act, line.verdict, line.mistake, stamp(line.at))
    connection.execute(f"INSERT INTO practised ({PRACTISED_FIELDS}) VALUES (?, ?, ?, ?, ?)", row)


def as_practised(row: Sequence[object]) -> Practised | None:
    """A line of the list if every field is what it should be, else None."""
    exercise, act, verdict, mistake, at = row
    when = as_time(at)
    if not (isinstance(exercise, str) and isinstance(verdict, str) and isinstance(mistake, str) and when):
        return None
    return Practised(exercise, str(act), verdict, mistake, when) if act in ACTS else None

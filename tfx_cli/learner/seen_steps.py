"""A line of the list of seen steps: what it holds, how it is written, and how a damaged one is recognised.

The table is younger than version 1 of the file.  It is made when the first step is written, and an older tfx goes on
reading the file without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.answers import as_time
from tfx_cli.learner.state_file import stamp

SEEN_FIELDS = "topic, step, steps, at"
TABLE = """
CREATE TABLE IF NOT EXISTS seen (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, step TEXT NOT NULL, steps TEXT NOT NULL, at TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class SeenStep:
    """A step whose end came on a terminal.  steps: the names of all steps of that walk, in order."""

    topic: str
    step: str
    steps: tuple[str, ...]
    at: datetime


def insert_seen(connection: sqlite3.Connection, seen: SeenStep) -> None:
    """Appends one line, in the table that is made when it is missing."""
    connection.execute(TABLE)
    row = (seen.topic, seen.step, " ".join(seen.steps), stamp(seen.at))
    connection.execute(f"INSERT INTO seen ({SEEN_FIELDS}) VALUES (?, ?, ?, ?)", row)


def as_seen(row: Sequence[object]) -> SeenStep | None:
    """A line of the list if every field is what it should be, else None."""
    topic, step, steps, at = row
    when = as_time(at)
    if not (isinstance(topic, str) and isinstance(step, str) and isinstance(steps, str) and when):
        return None
    return SeenStep(topic, step, tuple(steps.split()), when) if step in steps.split() else None

"""A line of the list of test-outs: what it holds, how it is written, and how a damaged one is recognised.

The table is made when the first test is written, like that of the seen steps; an older tfx reads the file without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.answers import as_time
from tfx_cli.learner.state_file import stamp

TESTED_FIELDS = "topic, asked, right, needed, at"
TABLE = """
CREATE TABLE IF NOT EXISTS tested (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, asked INTEGER NOT NULL, right INTEGER NOT NULL,
    needed INTEGER NOT NULL, at TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Tested:
    """One test of a topic, taken to its end.  needed: right answers that passed it on that day."""

    topic: str
    asked: int
    right: int
    needed: int
    at: datetime

    @property
    def passed(self) -> bool:
        return self.right >= self.needed


def insert_tested(connection: sqlite3.Connection, tested: Tested) -> None:
    """Appends one line, in the table that is made when it is missing."""
    connection.execute(TABLE)
    row = (tested.topic, tested.asked, tested.right, tested.needed, stamp(tested.at))
    connection.execute(f"INSERT INTO tested ({TESTED_FIELDS}) VALUES (?, ?, ?, ?, ?)", row)


def as_tested(row: Sequence[object]) -> Tested | None:
    """A line of the list if every field is what it should be, else None."""
    topic, asked, right, needed, at = row
    when = as_time(at)
    if not (isinstance(topic, str) and isinstance(asked, int) and isinstance(right, int) and isinstance(needed, int)):
        return None
    return Tested(topic, asked, right, needed, when) if when and 0 <= right <= asked and 0 < needed <= asked else None

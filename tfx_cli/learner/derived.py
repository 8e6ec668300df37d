"""A line of the list of what was done with derivations: a line was typed, a hint was shown, the reader gave up, or
began again.

The table is made when the first line is written, like that of the seen steps; an older tfx reads the file without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.answers import as_time
from tfx_cli.learner.state_file import stamp

DERIVED_FIELDS = "derivation, act, line, verdict, slip, at"
TABLE = """
CREATE TABLE IF NOT EXISTS derived (
    id INTEGER PRIMARY KEY AUTOINCREMENT, derivation TEXT NOT NULL, act TEXT NOT NULL, line TEXT NOT NULL,
    verdict TEXT NOT NULL, slip TEXT NOT NULL, at TEXT NOT NULL
)
"""
ACTS = ("line", "hint", "gave up", "again")


@dataclass(frozen=True)
class Derived:
    """act: one of ACTS.  line, verdict: what was typed and how it was judged.  slip: its id, or nothing."""

    derivation: str
    act: str
    line: str
    verdict: str
    slip: str
    at: datetime


def insert_derived(connection: sqlite3.Connection, line: Derived) -> None:
    """Appends one line, in the table that is made when it is missing."""
    connection.execute(TABLE)
    row = (line.derivation, line.act, line.line, line.verdict, line.slip, stamp(line.at))
    connection.execute(f"INSERT INTO derived ({DERIVED_FIELDS}) VALUES (?, ?, ?, ?, ?, ?)", row)


def as_derived(row: Sequence[object]) -> Derived | None:
    """A line of the list if every field is what it should be, else None."""
    *texts, at = row
    when = as_time(at)
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < len(texts) or when is None or words[1] not in ACTS:
        return None
    derivation, act, line, verdict, slip = words
    return Derived(derivation, act, line, verdict, slip, when)

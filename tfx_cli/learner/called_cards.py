"""A line of the list of called cards: questions that a mistake in an exercise calls up before their time.

A card is called once for a mistake, until the exercise passes.  It is due from that moment, and it is no longer called
when it has been answered or the exercise has passed since: then its own schedule holds again, which was never changed.
What the lesson says about the mistake is kept with it, so that whoever reads the list needs no exercise for it.

The table is made when the first line is written, like that of the seen steps; an older tfx reads the file without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.answers import Answer, as_time
from tfx_cli.learner.practised import Practised
from tfx_cli.learner.state_file import stamp

CALLED_FIELDS = "item, exercise, mistake, says, topic, step, at"
TABLE = """
CREATE TABLE IF NOT EXISTS called (
    id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, exercise TEXT NOT NULL, mistake TEXT NOT NULL,
    says TEXT NOT NULL, topic TEXT NOT NULL, step TEXT NOT NULL, at TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Called:
    """item: id of a question, "" where the lesson has none about it.  mistake: its id; says: it in a few words.
    topic, step: where the lesson clears it up; step may be "" for the whole topic."""

    item: str
    exercise: str
    mistake: str
    says: str
    topic: str
    step: str
    at: datetime

    @property
    def command(self) -> str:
        return f"tfx explain {self.topic}" + (f" --step {self.step}" if self.step else "")


def insert_called(connection: sqlite3.Connection, line: Called) -> None:
    """Appends one line, in the table that is made when it is missing."""
    connection.execute(TABLE)
    row = (line.item, line.exercise, line.mistake, line.says, line.topic, line.step, stamp(line.at))
    connection.execute(f"INSERT INTO called ({CALLED_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def as_called(row: Sequence[object]) -> Called | None:
    """A line of the list if every field is what it should be, else None."""
    *texts, at = row
    when = as_time(at)
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < len(texts) or when is None:
        return None
    item, exercise, mistake, says, topic, step = words
    return Called(item, exercise, mistake, says, topic, step, when)


def unsolved(called: Iterable[Called], practised: Iterable[Practised]) -> list[Called]:
    """Those whose exercise has not passed since."""
    passed = {line.exercise: line.at for line in practised if line.passed}
    return [line for line in called if line.exercise not in passed or passed[line.exercise] <= line.at]


def waiting(called: Iterable[Called], practised: Iterable[Practised], log: Iterable[Answer]) -> list[Called]:
    """Those that nothing has settled: the exercise has not passed since, and the question was not answered."""
    answered = {answer.item: answer.at for answer in log}
    return [line for line in unsolved(called, practised) if line.item not in answered or answered[line.item] <= line.at]

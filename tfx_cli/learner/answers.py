"""A line of the log of answers: what it holds, how it is written, and how a damaged one is recognised."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.state_file import stamp

FIELDS = "item, seed, given, correct, score, rating, misconception, at, seconds"

#: a card may come back a hundred years later, and that is a date too
LAST_YEAR = 9000


@dataclass(frozen=True)
class Answer:
    """One line of the log.  seed draws the same numbers again; misconception is empty when none was recognised;
    seconds is how long the reader took, None when nobody was timed."""

    item: str
    seed: int
    given: str
    correct: bool
    score: float
    rating: int
    misconception: str
    at: datetime
    seconds: float | None = None


def insert_answer(connection: sqlite3.Connection, answer: Answer, at: datetime) -> None:
    """Appends one line to the log."""
    a = answer
    connection.execute(
        f"INSERT INTO answers ({FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (a.item, a.seed, a.given, int(a.correct), a.score, a.rating, a.misconception, stamp(at), a.seconds),
    )


def as_answer(row: Sequence[object]) -> Answer | None:
    """A line of the log if every field is what it should be, else None; a time taken that cannot be is left out."""
    item, seed, given, correct, score, rating, misconception, at, seconds = row
    when = as_time(at)
    if not (isinstance(item, str) and isinstance(given, str) and isinstance(misconception, str) and when):
        return None
    if not (isinstance(seed, int) and isinstance(rating, int) and 1 <= rating <= 4 and correct in (0, 1)):
        return None
    if not (isinstance(score, int | float) and 0 <= score <= 1):  # SQLite keeps 1.0 as a whole number
        return None
    if not (isinstance(seconds, int | float) and 0 <= seconds < math.inf):
        seconds = None
    score, seconds = float(score), None if seconds is None else float(seconds)
    return Answer(item, seed, given, correct == 1, score, rating, misconception, when, seconds)


def as_time(text: object) -> datetime | None:
    """The moment that `stamp` wrote, or None when this is not one, or one that no calendar can reckon from."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and 1970 <= at.year <= LAST_YEAR else None

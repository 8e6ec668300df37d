"""A line of the log of answers: what it holds, how it is written, and how a damaged one is recognised."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tfx_cli.learner.state_file import stamp

FIELDS = "item, seed, given, correct, score, rating, misconception, at, seconds"


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
    """A line of the log if every field is what it should be, else None."""
    item, seed, given, correct, score, rating, misconception, at, seconds = row
    when = as_time(at)
    if not (isinstance(item, str) and isinstance(given, str) and isinstance(misconception, str) and when):
        return None
    if not (isinstance(seed, int) and isinstance(score, float) and isinstance(rating, int) and 1 <= rating <= 4):
        return None
    if correct not in (0, 1) or not (seconds is None or isinstance(seconds, float)):
        return None
    return Answer(item, seed, given, correct == 1, score, rating, misconception, when, seconds)


def as_time(text: object) -> datetime | None:
    """The moment that `stamp` wrote, or None when this is not one."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None

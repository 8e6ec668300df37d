"""Rescues a damaged state file: what can still be read moves to a new file, and the old one is kept beside it.

At every moment either the damaged file or its successor stands in its place, so a kill in the middle loses nothing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from tfx_cli.learner.answers import FIELDS, as_answer, as_time, insert_answer
from tfx_cli.learner.called_cards import CALLED_FIELDS, as_called, insert_called
from tfx_cli.learner.derived import DERIVED_FIELDS, as_derived, insert_derived
from tfx_cli.learner.practised import PRACTISED_FIELDS, as_practised, insert_practised
from tfx_cli.learner.record_scan import rows_in
from tfx_cli.learner.scheduling import rebuild
from tfx_cli.learner.seen_steps import SEEN_FIELDS, as_seen, insert_seen
from tfx_cli.learner.state_file import create_tables, stamp
from tfx_cli.learner.tests_taken import TESTED_FIELDS, as_tested, insert_tested


def set_aside(path: Path) -> str:
    """Replaces the damaged file by what can be read of it and returns the sentence that says so."""
    now = datetime.now(UTC)
    aside = path.with_name(f"damaged-{now:%Y%m%dT%H%M%S%f}-{os.getpid()}-{path.name}")
    shutil.copy2(path, aside)
    successor = path.with_name(f"{path.name}.new-{os.getpid()}")
    successor.unlink(missing_ok=True)
    with sqlite3.connect(successor, isolation_level=None) as connection:
        kept = _copy_readable(path, connection)
    connection.close()
    for suffix in ("-journal", "-wal", "-shm"):  # they belong to the old file and would spoil the new one
        leftover = path.with_name(path.name + suffix)
        if leftover.exists():
            leftover.replace(aside.with_name(aside.name + suffix))
    os.replace(successor, path)
    return f"your history was damaged; it was set aside as {aside}, and {kept} moved to a new file."


def read_what_is_left(path: Path) -> tuple[sqlite3.Connection, str]:
    """The readable part of a damaged file, in memory, and how much that is in words.  Writes nothing."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    return connection, _copy_readable(path, connection)


def _copy_readable(damaged: Path, fresh: sqlite3.Connection) -> str:
    """Fills the empty database `fresh` and returns `12 answers`."""
    data = damaged.read_bytes()
    answers = [answer for row in _rows(data, FIELDS) if (answer := as_answer(row)) is not None]
    topics = [row for row in _rows(data, "topic, at", numbered=False) if isinstance(row[0], str) and as_time(row[1])]
    fresh.execute("BEGIN")
    create_tables(fresh)
    for answer in answers:
        insert_answer(fresh, answer, answer.at)
    log = ((answer.item, answer.rating, answer.at) for answer in answers)
    cards = [(item, card, stamp(due)) for item, (card, due) in rebuild(log).items()]
    fresh.executemany("INSERT INTO cards VALUES (?, ?, ?)", cards)
    fresh.executemany("INSERT OR IGNORE INTO explained VALUES (?, ?)", topics)
    for seen in filter(None, map(as_seen, _rows(data, SEEN_FIELDS))):
        insert_seen(fresh, seen)
    for tested in filter(None, map(as_tested, _rows(data, TESTED_FIELDS))):
        insert_tested(fresh, tested)
    for practised in filter(None, map(as_practised, _rows(data, PRACTISED_FIELDS))):
        insert_practised(fresh, practised)
    for called in filter(None, map(as_called, _rows(data, CALLED_FIELDS))):
        insert_called(fresh, called)
    for derived in filter(None, map(as_derived, _rows(data, DERIVED_FIELDS))):
        insert_derived(fresh, derived)
    fresh.execute("COMMIT")
    return f"{len(answers)} answer{'' if len(answers) == 1 else 's'}"


def _rows(data: bytes, columns: str, numbered: bool = True) -> list[tuple]:
    """Every row of those columns that is whole, wherever it stands, once, by row number."""
    found = set(rows_in(data, columns.count(",") + 1, numbered))
    return [values for _, values in sorted(found, key=lambda row: row[0])]

"""The file behind the reader's history: where it lies, what is in it, how it is opened, and what can go wrong.

One SQLite file in the user's data folder, or in TFX_HOME.  It keeps SQLite's rollback journal and full
synchronisation: there is one file to copy, and after a kill or a power cut the last committed answer is there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tfx.errors import EnvironmentProblem

VERSION = 1
APPLICATION = 0x74667821  # "tfx!": marks the file as ours
FILE = "state.sqlite3"

SCHEMA = """
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, seed INTEGER NOT NULL, given TEXT NOT NULL,
    correct INTEGER NOT NULL, score REAL NOT NULL, rating INTEGER NOT NULL, misconception TEXT NOT NULL,
    at TEXT NOT NULL, seconds REAL
);
CREATE TABLE cards (item TEXT PRIMARY KEY, card TEXT NOT NULL, due TEXT NOT NULL);
CREATE TABLE explained (topic TEXT PRIMARY KEY, at TEXT NOT NULL);
"""


class Damaged(EnvironmentProblem):
    """The file is not readable as a database; whoever opens it mends that."""


def data_folder() -> Path:
    """Where the file lies: TFX_HOME, else the user's data folder of this system."""
    home = os.environ.get("TFX_HOME")
    if home:
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("tfx-learn", appauthor=False))


def state_path() -> Path:
    return data_folder() / FILE


def connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    """Opens and examines the file; raises Damaged, or EnvironmentProblem when it is not for this version."""
    connection: sqlite3.Connection | None = None
    try:
        with explained_errors(path):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=patience, isolation_level=None
            )
            connection.text_factory = lossy
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
            if tables and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise Damaged(f"your history in {path} is damaged.")
        if tables and not ours:
            raise EnvironmentProblem(
                f"{path} is a database of another program.", "Move it away, or set TFX_HOME to another folder."
            )
        if version > VERSION:
            raise EnvironmentProblem(
                f"your history has format {version}, of a newer tfx; this one knows {VERSION}. It was not touched.",
                "Update tfx, or set TFX_HOME to another folder.",
            )
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def create_tables(connection: sqlite3.Connection) -> None:
    """Makes an empty database ours."""
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def lossy(data: bytes) -> str:
    """Text of the file; a flipped bit in it is no reason to stop reading."""
    return data.decode("utf-8", "replace")


def stamp(at: datetime) -> str:
    """UTC, in a form whose order as text is the order in time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def repairing(path: Path, patience: float) -> Iterator[None]:
    """Lets one process repair at a time; the system frees the lock when that process dies."""
    lock = sqlite3.connect(path.with_name("repair.lock"), timeout=patience, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


@contextmanager
def explained_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite or the system refuses into one sentence, and an unreadable file into Damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"your history cannot be kept in {path.parent}: {error.strerror or error}.",
            "Make room or permit writing there, or set TFX_HOME to another folder.",
        ) from error


def _explain(path: Path, error: sqlite3.Error) -> Exception:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return Damaged(f"your history in {path} is damaged: {error}.", "Run the command again: it sets the file aside.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return EnvironmentProblem(
            "another tfx is writing your history and does not finish.", f"Close it, then try again. File: {path}"
        )
    if name == "SQLITE_FULL":
        why = "the disk is full"
    elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        why = "it cannot be written"
    else:
        why = str(error)
    return EnvironmentProblem(
        f"your history in {path} cannot be kept: {why}.",
        "Make room or permit writing there, or set TFX_HOME to another folder.",
    )

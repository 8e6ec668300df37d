"""The file behind the reader's history: where it lies, what is in it, and what can go wrong.

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

#: what SQLite says of a file that it cannot make sense of; our own commands are never wrong in themselves, so that
#: SQLITE_ERROR ("no such table") speaks of the file as well
DAMAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR", "SQLITE_SCHEMA", "SQLITE_FORMAT", "SQLITE_TOOBIG")
MENDED = "Run the command again: it sets the file aside."


class Damaged(EnvironmentProblem):
    """The file is not readable as a database; whoever opens it mends that."""


def data_folder() -> Path:
    """Where the file lies: TFX_HOME, else the user's data folder of this system.

    A `~` or `$HOME` that no shell has replaced stands for what it would have, unless a folder is called just so.
    Raises EnvironmentProblem for the home of a user whom nobody knows.
    """
    home = os.environ.get("TFX_HOME")
    if home and Path(home).exists():
        return Path(home)
    if home:
        try:
            return Path(os.path.expandvars(home)).expanduser()
        except RuntimeError:
            raise EnvironmentProblem(
                f'TFX_HOME is "{home}", and the home folder in it is not known.',
                "Give the whole path: export TFX_HOME=/path/to/folder",
            ) from None
    import platformdirs

    return Path(platformdirs.user_data_dir("tfx-learn", appauthor=False))


def make_data_folder() -> None:
    """Makes it where there is none, for this reader alone (XDG Base Directory Specification)."""
    data_folder().mkdir(mode=0o700, parents=True, exist_ok=True)


def state_path() -> Path:
    return data_folder() / FILE


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
    place = path.with_name("repair.lock")
    if place.is_file() and place.stat().st_size:  # the lock is an empty file, and nothing else can be locked
        os.truncate(place, 0)
    lock = sqlite3.connect(place, timeout=patience, isolation_level=None)
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
    except UnicodeDecodeError as error:  # SQLite quotes a damaged name, and Python cannot read what it quotes
        raise Damaged(f"your history in {path} is damaged: a name in it cannot be read.", MENDED) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"your history cannot be kept in {path.parent}: {error.strerror or error}.",
            "Make room or permit writing there, or set TFX_HOME to another folder.",
        ) from error


def _explain(path: Path, error: sqlite3.Error) -> Exception:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(DAMAGE):
        return Damaged(f"your history in {path} is damaged: {error}.", MENDED)
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

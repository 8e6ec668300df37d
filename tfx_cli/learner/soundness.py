"""Whether a state file is what this tfx writes: the fixed bytes of its header, and its table of contents.

SQLite believes its first page.  A changed byte there can make it read another page size, call a table by another name
or take a full file for an empty one, so the page is held against one that was just made.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

from tfx_cli.learner.state_file import Damaged, create_tables

HEADER = 100
#: bytes of the header that no write ever changes: format of the file, of the tables and of text, the mark of tfx, and
#: zeros.  The size of a page depends on the build of SQLite, and the version is judged by whoever opens the file
FIXED = (*range(18, 24), *range(44, 60), *range(64, 92))
#: tables of every history
NAMES = ("answers", "cards", "explained")

Entry = tuple[str, str, str, str | None]


def require_sound_header(path: Path) -> None:
    """Raises Damaged when a fixed byte of a file of ours is another.  A file that is none of ours passes."""
    if not path.is_file() or path.with_name(path.name + "-journal").exists():  # SQLite has something to undo first
        return
    with path.open("rb") as file:
        page = file.read(65536)
    header, expected = page[:HEADER], _expected_header()
    if len(header) < HEADER or not looks_like_ours(page):
        return
    wrong = [place for place in FIXED if header[place] != expected[place]]
    if wrong:
        raise Damaged(f"your history in {path} is damaged: byte {wrong[0]} of its header cannot be right.")


def looks_like_ours(first_page: bytes) -> bool:
    """Whether most of the tables of a history are declared there, whatever the header says."""
    return sum(f"CREATE TABLE {name} (".encode() in first_page for name in NAMES) >= 2


def has_our_tables(connection: sqlite3.Connection) -> bool:
    """Whether every table is declared as `create_tables` does, and under the name that it is filed under."""
    found: set[Entry] = set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
    missing = _expected_contents() - found
    foreign = found - _expected_contents()
    return not missing and all(
        kind == "table" and name == table and isinstance(sql, str) and sql.startswith(f"CREATE TABLE {name} (")
        for kind, name, table, sql in foreign
    )


@cache
def _expected_header() -> bytes:
    with _fresh() as connection:
        return connection.serialize()[:HEADER]


@cache
def _expected_contents() -> frozenset[Entry]:
    with _fresh() as connection:
        return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def _fresh() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(connection)
    return connection

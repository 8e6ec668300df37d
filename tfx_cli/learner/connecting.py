"""Opens the state file and looks whether it is whole, and whether it is ours and of this version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tfx.errors import EnvironmentProblem
from tfx_cli.learner.soundness import has_our_tables, require_sound_header
from tfx_cli.learner.state_file import APPLICATION, VERSION, Damaged, explained_errors, lossy


def connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    """Opens and examines the file; raises Damaged, or EnvironmentProblem when it is not for this version."""
    connection: sqlite3.Connection | None = None
    try:
        with explained_errors(path):
            require_sound_header(path)
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=patience, isolation_level=None
            )
            connection.text_factory = lossy
            _examine(connection, path)
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def _examine(connection: sqlite3.Connection, path: Path) -> None:
    """A file without tables is new.  The next version may have the same tables; where a later one has exactly ours,
    its number is what was damaged."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        if path.stat().st_size and version:
            raise Damaged(f"your history in {path} is damaged: its tables are gone.")
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise EnvironmentProblem(
            f"{path} is a database of another program.", "Move it away, or set TFX_HOME to another folder."
        )
    sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    known = has_our_tables(connection)
    if version > VERSION and (not known or version == VERSION + 1):
        raise EnvironmentProblem(
            f"your history has format {version}, of a newer tfx; this one knows {VERSION}. It was not touched.",
            "Update tfx, or set TFX_HOME to another folder.",
        )
    if not (sound and known and version == VERSION):
        raise Damaged(f"your history in {path} is damaged.")

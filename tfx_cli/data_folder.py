"""Where a reader's own data lives: answers, checkpoints, caches.  One folder, which TFX_HOME can move."""

from __future__ import annotations

import os
from pathlib import Path

from tfx.errors import EnvironmentProblem


def data_folder() -> Path:
    """The folder, which need not exist yet: $TFX_HOME, else the system's own place for a user's data."""
    chosen = os.environ.get("TFX_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("tfx-learn", appauthor=False)


def make_data_folder() -> Path:
    """The folder, made if needed.  Raises EnvironmentProblem when it cannot be made or written."""
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error.strerror or str(error)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unusable(folder, "it is read-only")
    return folder


def unusable(folder: Path, why: str) -> EnvironmentProblem:
    """The sentence for a data folder that cannot be used."""
    return EnvironmentProblem(
        f'the data folder "{folder}" cannot be used: {why}.', "Choose another one: export TFX_HOME=/path/to/folder"
    )

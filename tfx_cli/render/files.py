"""Writes the files that a reader asked for: checked before the long work, whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tfx.errors import BadInput, EnvironmentProblem

Saved = TypeVar("Saved")


def require_writable(path: Path | None, endings: Iterable[str] = ()) -> None:
    """Raises EnvironmentProblem when `path` cannot be written, BadInput for an unknown ending; None is fine."""
    if path is None:
        return
    if endings and path.suffix.lower() not in endings:
        known = ", ".join(endings)
        raise BadInput(
            f'"{path}" does not end in {known}.', f"For example: {path.stem or 'picture'}{next(iter(endings))}"
        )
    if path.is_dir():
        raise EnvironmentProblem(f'"{path}" is a folder, so no file can have that name.', "Name a file in it.")
    if not path.parent.is_dir():
        raise EnvironmentProblem(
            f'there is no folder "{path.parent}" to write {path.name} into.', "Make the folder first."
        )
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: the write itself will tell
            return
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise cannot_write(path, error) from None


def attempted(save: Callable[[], Saved]) -> tuple[Saved | None, EnvironmentProblem | None]:
    """What `save` returns, and why it could not: what was measured is shown before anybody is told that."""
    try:
        return save(), None
    except EnvironmentProblem as problem:
        return None, problem


def write_whole(path: Path, data: bytes) -> None:
    """Writes beside the target and moves it there, so that a full disk leaves the old file as it was."""
    if path.exists() and not path.is_file():
        try:
            path.write_bytes(data)
        except OSError as error:
            raise cannot_write(path, error) from None
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o666 & ~current_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from None


def current_umask() -> int:
    """mkstemp makes private files; a saved plot should have the usual permissions."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cannot_write(path: Path, error: OSError) -> EnvironmentProblem:
    """The sentence for a file that cannot be written."""
    if error.errno == errno.ENOSPC:
        return EnvironmentProblem(f'the disk is full: "{path}" was not written.', "Free some space, then run it again.")
    return EnvironmentProblem(f'cannot write "{path}": {error.strerror or error}.', "Choose another path.")

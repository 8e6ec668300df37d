"""Writes the files that a reader asked for: checked before the long work, whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tfx.errors import BadInput, EnvironmentProblem
from tfx.io.whole_file import whole_file
from tfx_cli.terminal.printable import on_one_line

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
    try:
        os.stat(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):  # a name that is too long, a loop of links
            raise cannot_write(path, error) from None
    except ValueError:
        raise BadInput(f'"{on_one_line(path)}" is no name that a file can have.', "Choose another path.") from None
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
        with whole_file(path) as file:
            file.write(data)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> EnvironmentProblem:
    """The sentence for a file that cannot be written."""
    if error.errno == errno.ENOSPC:
        return EnvironmentProblem(f'the disk is full: "{path}" was not written.', "Free some space, then run it again.")
    return EnvironmentProblem(f'cannot write "{path}": {error.strerror or error}.', "Choose another path.")

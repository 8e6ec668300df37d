"""Writes a file whole or not at all: beside its name, and then in one step onto it.

A kill, a full disk or Ctrl-C leaves what was there as it was.  Links are followed, and a file that is replaced keeps
its rights.  What a killed process left beside the name is swept by the next one that writes there.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART = ".part"
#: bytes of the name that its part begins with: a name may be longer than its part's may be
BEGINNING = 100
#: seconds after which a part whose process is gone is nobody's
STALE = 600.0


@contextmanager
def whole_file(path: Path, new: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which gets the name `path` when the block ends well, and vanishes when it does not.

    new: the name must be free, also at the last moment.  Raises FileExistsError when it is not, and OSError for what
    the system refuses.
    """
    target = Path(os.path.realpath(path))
    sweep(target)
    handle, temporary = tempfile.mkstemp(prefix=f"{_beginning(target)}{os.getpid()}.", suffix=PART, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))  # mkstemp made it private
        if new:
            _name_anew(temporary, target)
        else:
            os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def sweep(target: Path) -> None:
    """Removes the parts of `target` that a killed process left behind."""
    pattern = re.compile(re.escape(_beginning(target)) + r"(\d+)\.\w+" + re.escape(PART))
    with suppress(OSError):
        for entry in list(os.scandir(target.parent)):
            found = pattern.fullmatch(entry.name)
            if found and time.time() - entry.stat().st_mtime > STALE and not _is_running(int(found[1])):
                os.unlink(entry.path)


def _beginning(target: Path) -> str:
    return f".{os.fsencode(target.name)[:BEGINNING].decode('utf-8', 'ignore')}."


def _mode(target: Path) -> int:
    """The rights of the file that is replaced, else those of an ordinary new one."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def _name_anew(temporary: str, target: Path) -> None:
    """Gives the file its name unless somebody has it."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))  # a file system without links: an empty file holds the name
        os.replace(temporary, target)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

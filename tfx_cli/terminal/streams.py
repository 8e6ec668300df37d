"""The three standard streams of a process, whatever whoever started it has done to them.

stdout carries what was asked for: without it a command is refused.  stderr carries remarks: when it is closed, full or
read by nobody, they are lost and the work goes on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing it from typing would double the time of `tfx --version`
if TYPE_CHECKING:
    from typing import Any


class Remarks:
    """stderr, but for errors of writing: nobody is left to tell them to."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return


def occupy_closed_streams() -> None:
    """Opens nothing for each of the descriptors 0, 1 and 2 that is closed: the next file that is opened would get its
    number, and remarks of a library would be written into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def hold_remarks() -> Any:
    """Makes stderr one that never fails; returns what it was."""
    before = sys.stderr
    sys.stderr = Remarks(os.fdopen(2, "w", encoding="utf-8", closefd=False) if before is None else before)
    return before

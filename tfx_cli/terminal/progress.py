"""One line of progress on stderr while something long runs; nothing at all where nobody watches."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tfx.measure.progress import Progress, silent
from tfx_cli.terminal.console import is_terminal, width

BAR = 16
#: seconds between two redraws
PAUSE = 0.1


@contextmanager
def progress_on_stderr() -> Iterator[Progress]:
    """Gives a callback `progress(done, total, what)`; the line is wiped at the end, whatever the end is."""
    if not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        yield silent
        return
    stream = sys.stderr
    drawn, last = 0, 0.0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal drawn, last
        now = time.monotonic()
        if now - last < PAUSE and done < total:
            return
        last = now
        line = f"{bar(done, total)}  {what}"[: width() - 1]
        stream.write("\r" + line.ljust(drawn))
        stream.flush()
        drawn = len(line)

    try:
        yield progress
    finally:
        stream.write("\r" + " " * drawn + "\r")
        stream.flush()


def bar(done: float, total: float, size: int = BAR) -> str:
    """`[####------]  40%`"""
    part = min(max(done / total, 0.0), 1.0) if total > 0 else 1.0
    full = round(part * size)
    return f"[{'#' * full}{'-' * (size - full)}] {round(100 * part):3d}%"

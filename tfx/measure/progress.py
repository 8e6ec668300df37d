"""Progress: how long work says how far it is, to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable

#: progress(done, total, what): called between pieces of long work.
Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, what: str) -> None:
    """A progress callback for callers who do not show any."""

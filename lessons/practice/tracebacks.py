"""A traceback as a learner is shown it.

It needs the standard library alone: the child process loads this file by its path.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection

#: letters of a line, and of a traceback, that are told
LINE, TRACE = 1_000, 20_000


def told(error: BaseException, path: str, hidden: Collection[str]) -> str:
    """The traceback, with those that led to it, from the learner's file on: without the frames of hidden files."""
    whole = traceback.TracebackException.from_exception(error)
    waiting: list[traceback.TracebackException | None] = [whole]
    while waiting:
        one = waiting.pop()
        if one is not None:
            frames = list(one.stack)
            own = next((place for place, frame in enumerate(frames) if frame.filename == path), len(frames))
            kept = [frame for frame in frames[own:] if frame.filename not in hidden]
            one.stack = traceback.StackSummary.from_list(kept)
            waiting += [one.__cause__, one.__context__]
    lines = list(whole.format())
    return cut(lines if whole.stack else lines[-1:])


def cut(lines: list[str]) -> str:
    """Together, and not without end."""
    text = "".join(line if len(line) <= LINE else f"{line[:LINE]} ...\n" for line in lines)
    return text if len(text) <= TRACE else f"{text[:TRACE]} ...\n"

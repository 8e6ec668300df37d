"""Ctrl-C as a question instead of an exception, so that long work can stop where everything is whole.

A request to end (SIGTERM, of kill, a time limit or a shutdown) and a terminal that goes away (SIGHUP) are heard like
Ctrl-C: the work is kept or said to be lost, and the terminal is left as it was.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: SIGHUP is not on Windows
ASKING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Inside, a request to end raises KeyboardInterrupt, as Ctrl-C does."""
    with _handling(ASKING, signal.default_int_handler):
        yield


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed; a second Ctrl-C stops at once, as usual.

    Where SIGINT is ignored, as in a background job, Ctrl-C is meant for somebody else.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        for one, handler in before.items():
            signal.signal(one, handler)

    with _handling((signal.SIGINT, *ASKING), note) as before:
        yield lambda: pressed


@contextmanager
def _handling(signals: Sequence[signal.Signals], handler: Any) -> Iterator[dict[signal.Signals, Any]]:
    """Inside, `handler` answers those that are not ignored; gives what answered them before.

    Outside the main thread, where Python allows no handler, nothing changes.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {one: signal.getsignal(one) for one in signals if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        for one in before:
            signal.signal(one, handler)
        yield before
    finally:
        for one, was in before.items():
            signal.signal(one, was)

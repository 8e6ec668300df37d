"""One key press from the terminal, without Enter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: seconds in which the rest of an arrow key's sequence arrives
SEQUENCE = 0.05


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Inside, keys arrive one by one and unseen; gives the function that waits for the next.

    Keys pressed earlier are kept.  Ctrl-C stays Ctrl-C; the end of the input reads as an empty string.  After Ctrl-Z
    and `fg`, when the shell has had the terminal, they arrive so again.
    """
    try:
        import termios
        import tty
    except ImportError:  # Windows has no termios; Typer reads its console
        import typer

        yield typer.getchar
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    with going_on(lambda: tty.setcbreak(terminal, termios.TCSADRAIN)):
        try:
            yield lambda: read_key(terminal)
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def forget_keys() -> None:
    """What was typed while something ran counts for nothing."""
    try:
        import termios
    except ImportError:  # Windows
        return
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


@contextmanager
def going_on(prepare: Callable[[], object]) -> Iterator[None]:
    """Prepares now, and again whenever the process goes on after it was stopped."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        prepare()
        yield
        return
    was = signal.signal(signal.SIGCONT, lambda *_: prepare())
    try:
        prepare()
        yield
    finally:
        signal.signal(signal.SIGCONT, was)


def read_key(terminal: int) -> str:
    """One character, or the whole sequence of an arrow key."""
    import select

    key = os.read(terminal, 1)
    if key == b"\x1b":
        while select.select([terminal], [], [], SEQUENCE)[0]:
            part = os.read(terminal, 1)
            key += part
            if not part or part.isalpha() or part == b"~":
                break
    return key.decode("latin-1")

"""A child process on a terminal of its own, whose keys a test presses and whose screens it reads."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from types import TracebackType

from tests.cli.running import environment

CLEAR = b"\x1b[H\x1b[2J"
#: colours, and the two ends of a link
STYLING = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")
COLOR = {"TERM": "xterm-256color"}


def command(words: str) -> str:
    """A script that runs `tfx words`."""
    return f"import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main({words.split()!r}))"


def own_terminal() -> None:
    """In the child: Ctrl-C arrives as a signal, and is heard also where the tests run in the background."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """`rows` lines of `columns`.  At its end the terminal must be as it was found."""

    def __init__(self, home, script: str, rows: int = 24, columns: int = 80, **variables: str) -> None:
        import pty
        import termios

        self.file, end = pty.openpty()
        self.columns, self.rows = columns, rows
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.file)
        self.child = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=end,
            stdout=end,
            stderr=end,
            env=environment(home, COLUMNS=str(columns), **variables),
            start_new_session=True,
            preexec_fn=own_terminal,
        )
        os.close(end)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if self.file >= 0:
            os.close(self.file)

    def resize(self, rows: int, columns: int = 80) -> None:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, key: bytes, until: bytes) -> bytes:
        """Presses a key and returns what is written up to `until`."""
        import select

        os.write(self.file, key)
        seen, end = b"", time.monotonic() + 60
        while until not in seen and time.monotonic() < end:
            if select.select([self.file], [], [], 0.2)[0]:
                try:
                    seen += os.read(self.file, 65536)
                except OSError:  # Linux: the child has closed its end
                    break
        assert until in seen, seen.decode("utf-8", "replace")
        return seen

    def screen(self, key: bytes, until: bytes = b"q leave ") -> list[str]:
        """Presses a key; the lines of the screen then, without colour and links.  One screenful fits."""
        whole = self.press(key, until)
        shown = whole.split(CLEAR)[-1].decode("utf-8", "replace")
        lines = [line.rstrip("\r") for line in STYLING.sub("", shown).split("\n")]
        if CLEAR in whole and until == b"q leave ":
            assert sum(-(-max(len(line), 1) // self.columns) for line in lines) <= self.rows, lines
        return [line.rpartition("\r")[2] for line in lines]

    def interrupt(self, number: int = 0) -> None:
        """Presses Ctrl-C, or sends that signal, until it is heard, as a person would: one that falls between a prompt
        and the read of the answer waits for the next key."""
        for _ in range(60):
            if number:
                self.child.send_signal(number)
            else:
                os.write(self.file, b"\x03")
            try:
                self.child.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
            return

    def exit_code(self) -> int:
        """How it ended; nothing of what it did to the terminal is left."""
        import termios

        code = self.child.wait(timeout=20)
        assert termios.tcgetattr(self.file) == self.before
        os.close(self.file)
        self.file = -1
        return code

"""One screen at a time, with real keys on a pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.cli.running import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

THREE_SCREENS = """
import sys
from tfx_cli.terminal.pager import page_through
from tfx_cli.terminal.lines import show_line
show = lambda index, code: show_line(f"screen {index + 1} code {code}")
done = page_through(3, show, lambda index: f"tfx explain x --step {index + 1}")
show_line(f"done {done}")
"""


class Terminal:
    """A child process on a terminal of its own."""

    def __init__(self, home, **variables: str) -> None:
        import pty

        self.file, end = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", THREE_SCREENS],
            stdin=end,
            stdout=end,
            stderr=end,
            env=environment(home, **variables),
            start_new_session=True,
        )
        os.close(end)

    def press(self, key: bytes, until: bytes) -> bytes:
        """Presses a key and returns what is written up to `until`."""
        import select

        os.write(self.file, key)
        seen, end = b"", time.monotonic() + 20
        while until not in seen and time.monotonic() < end:
            if select.select([self.file], [], [], 0.2)[0]:
                try:
                    seen += os.read(self.file, 65536)
                except OSError:  # Linux: the child has closed its end
                    break
        assert until in seen, seen
        return seen

    def exit_code(self) -> int:
        code = self.child.wait(timeout=20)
        os.close(self.file)
        return code


def test_enter_goes_on_b_goes_back_c_shows_the_code_and_the_end_ends(tmp_path):
    terminal = Terminal(tmp_path, TERM="xterm-256color")
    steps = [
        (b"", b"screen 1 code False"),
        (b"\r", b"screen 2 code False"),
        (b"b", b"screen 1 code False"),
        (b" ", b"screen 2 code False"),
        (b"c", b"screen 2 code True"),
        (b"\r", b"screen 3 code False"),
    ]
    for key, screen in steps:
        assert screen in terminal.press(key, b"q leave"), key
    terminal.press(b"\r", b"done True")
    assert terminal.exit_code() == 0


def test_q_leaves_with_the_command_that_comes_back(tmp_path):
    terminal = Terminal(tmp_path, TERM="xterm-256color")
    terminal.press(b"", b"q leave")
    terminal.press(b"\r", b"q leave")
    assert b"tfx explain x --step 2" in terminal.press(b"q", b"done False")
    assert terminal.exit_code() == 0


def test_a_terminal_without_escape_sequences_gets_none(tmp_path):
    terminal = Terminal(tmp_path, TERM="dumb")
    seen = terminal.press(b"", b"q leave") + terminal.press(b"\r", b"q leave")
    assert b"\x1b" not in seen
    terminal.press(b"q", b"done False")
    terminal.exit_code()

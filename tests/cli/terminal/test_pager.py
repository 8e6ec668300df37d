"""One screen at a time, with real keys on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from tests.cli.running import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

THREE_SCREENS = """
import sys
from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.pager import page_through
from tfx_cli.terminal.lines import show_line
parts = lambda index, code: iter([Part(f"screen {index + 1} code {code}\\n")])
done = page_through(3, parts, lambda index: f"tfx explain x --step {index + 1}")
show_line(f"done {done}")
"""


#: a step of 60 lines in paragraphs of five, and one that is short; with the code, three lines more
TALL_STEPS = """
from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.pager import page_through
from tfx_cli.terminal.lines import show_line
def parts(index, code):
    lines = [f"{index + 1}/2 title", *("" if i % 6 == 0 else f"line {i} of it" for i in range(1, (60, 6)[index]))]
    yield Part("\\n".join(lines) + "\\n")
    if code:
        yield Part("the code\\nsecond\\nthird\\n")
show_line(f"done {page_through(2, parts, str)}")
"""

CLEAR = b"\x1b[H\x1b[2J"


def command(words: str) -> str:
    """A script that runs `tfx words`."""
    return f"import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main({words.split()!r}))"


class Terminal:
    """A child process on a terminal of its own, of `rows` lines."""

    def __init__(self, home, script: str = THREE_SCREENS, rows: int = 24, columns: int = 80, **variables: str) -> None:
        import pty

        self.file, end = pty.openpty()
        self.resize(rows, columns)
        self.child = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=end,
            stdout=end,
            stderr=end,
            env=environment(home, COLUMNS=str(columns), **variables),
            start_new_session=True,
        )
        os.close(end)

    def resize(self, rows: int, columns: int = 80) -> None:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def screen(self, key: bytes, until: bytes = b"q leave ") -> list[str]:
        """Presses a key; the lines of the screen then, without colour."""
        shown = self.press(key, until).split(CLEAR)[-1].decode("utf-8")
        return [line.rstrip("\r") for line in re.sub(r"\x1b\[[0-9;]*m", "", shown).split("\n")]

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


COLOR = {"TERM": "xterm-256color"}


def test_a_tall_step_starts_at_its_top_and_goes_on_within_itself(tmp_path):
    terminal = Terminal(tmp_path, TALL_STEPS, **COLOR)
    seen: list[str] = []
    first = screen = terminal.screen(b"")
    assert screen[0] == "1/2 title"
    while "-- more: Enter" in screen[-1]:
        assert len(screen) <= 24, "the keys are on the last row"
        seen += [line for line in screen[:-1] if line]
        screen = terminal.screen(b"\r")
    seen += [line for line in screen[:-1] if line]
    assert seen == ["1/2 title", *(f"line {i} of it" for i in range(1, 60) if i % 6)]
    assert "Enter next" in screen[-1]
    assert terminal.screen(b"\r")[0] == "2/2 title"
    assert terminal.screen(b"b") == first, "back to the top of the step before"
    terminal.screen(b"\r")
    assert terminal.screen(b"b") == first, "back by a screenful"
    assert "this step again: 0" in "".join(terminal.screen(b"q", b"done False"))
    assert terminal.exit_code() == 0


def test_a_screenful_ends_where_a_paragraph_does(tmp_path):
    terminal = Terminal(tmp_path, TALL_STEPS, **COLOR)
    assert terminal.screen(b"")[-3:-1] == ["line 17 of it", ""]
    assert terminal.screen(b"\r")[0] == "line 19 of it"
    terminal.press(b"q", b"done")
    terminal.exit_code()


def test_the_height_is_read_at_every_key(tmp_path):
    terminal = Terminal(tmp_path, TALL_STEPS, **COLOR)
    terminal.screen(b"")
    terminal.resize(12)
    assert 6 < len(terminal.screen(b"\r")) <= 12
    terminal.resize(100)
    assert len(terminal.screen(b"\r")) > 24
    terminal.press(b"q", b"done")
    terminal.exit_code()


def test_c_goes_to_the_code_of_a_step_that_was_read_and_back_to_its_top(tmp_path):
    terminal = Terminal(tmp_path, TALL_STEPS, **COLOR)
    terminal.screen(b"")
    assert terminal.screen(b"c")[0] == "1/2 title", "what is not read yet is not skipped"
    for _ in range(3):
        screen = terminal.screen(b"\r")
    assert "the code" in screen
    assert terminal.screen(b"c")[0] == "1/2 title"
    terminal.press(b"q", b"done")
    terminal.exit_code()


def test_another_key_moves_nothing(tmp_path):
    terminal = Terminal(tmp_path, TALL_STEPS, **COLOR)
    terminal.screen(b"")
    assert b"\n" not in terminal.press(b"x", b"q leave ")
    terminal.press(b"q", b"done")
    terminal.exit_code()


def test_a_long_line_counts_as_the_rows_that_it_takes(tmp_path):
    script = TALL_STEPS.replace("line {i} of it", "line {i} of it {'x' * 70}")
    terminal = Terminal(tmp_path, script, **COLOR)
    screen = terminal.screen(b"")
    assert screen[0] == "1/2 title" and sum(-(-max(len(line), 1) // 80) for line in screen) <= 24
    terminal.press(b"q", b"done")
    terminal.exit_code()


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (24, 40), (15, 60)])
def test_the_first_screen_of_attention_shows_title_and_first_sentence_at_its_top(tmp_path, rows, columns):
    terminal = Terminal(tmp_path, command("explain attention"), rows, columns, **COLOR)
    screen = terminal.screen(b"")
    assert screen[0].startswith("1/") and not screen[1] and screen[2].startswith("  ")
    for _ in range(3):
        assert sum(-(-max(len(line), 1) // columns) for line in screen) <= rows, screen
        screen = terminal.screen(b"\r")
    terminal.press(b"q", b"this step again")
    assert terminal.exit_code() == 0


def test_one_tall_step_is_paged_and_a_short_one_is_not(tmp_path):
    terminal = Terminal(tmp_path, command("explain attention --step scores"), 15, **COLOR)
    assert "-- more: Enter" in terminal.screen(b"")[-1]
    terminal.press(b"q", b"--step scores")
    assert terminal.exit_code() == 0
    terminal = Terminal(tmp_path, command("explain scaling-variance --step the_sum"), **COLOR)
    shown = terminal.press(b"", b"--set d_k=256")
    assert terminal.exit_code() == 0 and CLEAR not in shown and b"q leave" not in shown


def test_a_prediction_is_asked_on_the_screen_and_the_rest_stands_below_it(tmp_path):
    terminal = Terminal(tmp_path, command("explain attention --predict --step scaling"), 16, **COLOR)
    asked = terminal.press(b"", b"  > ").decode()
    assert "What is the score?" in asked and "3.537" not in asked
    screen = terminal.screen(b"what?\r4\r")
    below = "\n".join(screen)
    assert "Please answer with a number" in below and "Not quite, you said 4" in below and "3.537" in below
    assert asked.count("\n") + len(screen) <= 16 and "-- more: Enter" in screen[-1]
    terminal.screen(b"\r")
    again = "\n".join(terminal.screen(b"b"))
    assert again.startswith("8/") and "  > what?\n" in again and "  > 4\n  Not quite" in again, "nothing is asked twice"
    terminal.screen(b"c")
    assert "  > 4\n  Not quite" in "\n".join(terminal.screen(b"c")), "nor when the code is shown"
    terminal.press(b"q", b"--step scaling")
    terminal.exit_code()

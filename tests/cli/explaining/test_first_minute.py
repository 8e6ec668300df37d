"""What `make demo` shows first on a terminal of 80x24: the title, the first sentence and the whole picture."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

ROOT = Path(__file__).parents[3]
TOP = [
    "",
    "  the animal did not cross the street because it was too tired",
    "",
    '  What does "it" stand for? You looked around and picked a word. A network that',
]
PICTURE = [
    '  A small model looks from "it": what it takes from each word',
    "  word      share",
    "  animal    0.926  ###################",
    "  because   0.008",
    "  it        0.008",
    "  9 others  0.058  #",
]


def first_screen(home: Path, words: str) -> list[str]:
    """The lines of the first screen of `tfx words` on a terminal of 80x24, without colour; then q is pressed."""
    import fcntl
    import pty
    import select
    import termios

    script = f"import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main({words.split()!r}))"
    keyboard, end = pty.openpty()
    fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment(home, COLUMNS="80", TERM="xterm-256color"),
    )
    os.close(end)
    seen, late = b"", time.monotonic() + 60
    while b"q leave" not in seen and time.monotonic() < late:
        if select.select([keyboard], [], [], 0.2)[0]:
            seen += os.read(keyboard, 65536)
    os.write(keyboard, b"q")
    child.wait(timeout=60)
    os.close(keyboard)
    shown = seen.split(b"\x1b[2J")[-1].decode("utf-8")  # since the screen was cleared
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "")
    return [line.rstrip() for line in text.split("\n")]


def test_the_first_screen_of_the_demo_starts_at_its_top_and_holds_the_whole_picture(tmp_path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = re.search(r"^demo:.*\n\t\$\(BIN\)/tfx (explain \S+)$", makefile, re.MULTILINE)
    assert demo is not None
    lines = first_screen(tmp_path, demo[1])
    assert lines[0].startswith("1/10  A word looks around") and lines[1 : 1 + len(TOP)] == TOP
    at = lines.index(PICTURE[0])
    assert lines[at : at + len(PICTURE)] == PICTURE
    assert sum(-(-max(len(line), 1) // 80) for line in lines) <= 24

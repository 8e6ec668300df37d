"""What `make demo` shows first on a terminal of 80x24: the title and the first sentence, at the top of the screen."""

from __future__ import annotations

import re
from pathlib import Path

from lessons.course import find_topic, lesson_of
from lessons.request import Request
from lessons.walk import walk
from tests.cli.running import TERMINAL_VARIABLES
from tfx_cli.explaining.walk import Manner, written_parts
from tfx_cli.options import Face
from tfx_cli.terminal.pager import Scroll

ROOT = Path(__file__).parents[3]
TOP = [
    "1/10  A word looks around",
    "",
    "  the animal did not cross the street because it was too tired",
    "",
    '  What does "it" stand for? You looked back and picked a word. A network that',
]
PICTURE = [
    '  A small model looks from "it": what it takes from each word',
    "  word      share",
    "  animal    0.926  ###################",
    "  because   0.008",
    "  it        0.008",
    "  9 others  0.058  #",
]


def test_the_first_screen_of_the_demo_starts_at_its_top_and_holds_the_whole_picture(monkeypatch):
    demo = re.search(
        r"^demo:.*\n\t\$\(BIN\)/tfx explain (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert demo is not None
    topic = find_topic(demo[1])
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    shown: list[str] = []
    monkeypatch.setattr("tfx_cli.terminal.pager.write", shown.append)
    steps = walk(topic, Request(None, 0, lesson_of(topic).settings(), False))
    scroll = Scroll(written_parts(f"1/{len(steps)}", steps[0], Manner(Face.terminal, screen=True), {}))
    scroll.show()
    lines = [line.rstrip() for line in "".join(shown).split("\n")]
    assert lines[: len(TOP)] == TOP and not scroll.more
    at = lines.index(PICTURE[0])
    assert lines[at : at + len(PICTURE)] == PICTURE

"""A made-up topic to move about in, and a terminal in which it is walked through."""

from __future__ import annotations

from pathlib import Path

from tests.cli.pseudo_terminal import COLOR, Terminal

COURSE = """
[[module]]
number = 1
title = "Numbers"
about = "Counting."
folder = "numbers"
topics = [
  { name = "counting", folder = "counting", title = "How to count", level = 1, minutes = 3 },
  { name = "mute", folder = "mute", title = "Without words", level = 1, minutes = 3 },
]
"""

LESSON = """
from dataclasses import dataclass

import numpy as np

from lessons.writing import Lesson, See, Try, exactly, matrix, question, setting
from tests.cli.explaining.code_to_show import long_one, short_one
from tfx.errors import BadInput
from tfx.ops.basics.softmax import softmax_forward


@dataclass(frozen=True)
class Settings:
    size: int = setting(4, 1, 30, "how many rows there are")
    kind: str = setting("plain", words=("plain", "odd"), about="which kind of counting")


class Run:
    def __init__(self, request):
        self.size, self.kind = request.settings.size, request.settings.kind
        self.text, self.seed = request.text or "one two", request.seed
        if self.text == "too long":
            raise BadInput("this text is too long to count.", "Give a shorter one.")


lesson = Lesson(Run, Settings, text="one two")


@lesson.step("Words first")
def the_words(run):
    yield f'The text is "{run.text}", the size {run.size}, the kind {run.kind}, the seed {run.seed}.'


@lesson.step("A guess")
def a_guess(run):
    yield "Before the question."
    yield question("Twice the size?", 2 * run.size, "Add it up.", 0)
    yield f"It is {2 * run.size}, counted."
    yield exactly("twice", "it doubles", 2 * run.size, 2 * run.size)
    yield softmax_forward
    yield short_one
    yield long_one


@lesson.step("Only when there is much", when=lambda run: run.size > 3)
def much(run):
    if run.size == 13:
        raise BadInput("thirteen cannot be shown.", "Try: --set size=12")
    yield f"There are {run.size}."


@lesson.step("Rows, and more rows")
def the_rows(run):
    rows = tuple(f"row{i + 1}" for i in range(run.size))
    values = np.arange(1, 3 * run.size + 1).reshape(-1, 3)
    yield matrix("M", values, "row, column", rows, ("left", "mid", "right"), focus=(1,))
    yield "The end."
"""

MUTE = """
from lessons.writing import Lesson

lesson = Lesson(lambda request: request.seed)


@lesson.step("Nothing to read")
def nothing(seed):
    yield f"The seed is {seed}."
"""


def script(root: Path, words: list[str]) -> str:
    """Runs `tfx words` on the made-up course."""
    return f"""
import sys
from pathlib import Path
sys.argv[0] = "tfx"
from tests.cli.explaining.walked import COURSE, LESSON, MUTE
from tests.lessons.made_up import made_up_course
from tfx_cli.__main__ import main
with made_up_course(Path({str(root / "course")!r}), COURSE, {{"numbers/counting": LESSON, "numbers/mute": MUTE}}):
    code = main({words!r})
sys.exit(code)
"""


def walking(home: Path, *words: str, rows: int = 24, columns: int = 80, **variables: str) -> Terminal:
    """`tfx explain counting ...` on a terminal."""
    return Terminal(home, script(home, ["explain", *words]), rows, columns, **{**COLOR, **variables})

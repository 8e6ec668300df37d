"""What several tests of the command line stand on: a quick way to run it, and a course of one topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

import tfx_cli.terminal.console
from lessons.course import Topic, find_topic
from tests.cli.running import TERMINAL_VARIABLES, Ran
from tests.lessons.made_up import made_up_course
from tfx_cli.__main__ import main

COURSE = """
[[module]]
number = 1
title = "Numbers"
about = "Counting."
folder = "numbers"
topics = [
  { name = "doubling", folder = "doubling", title = "Doubling", level = 1, minutes = 3, \
questions = [], after = [], aliases = ["twice"] },
]
"""

#: Three steps; the check holds only for factor 2, and the third fails for factor 13.
LESSON = """
from dataclasses import dataclass

import numpy as np

from lessons.writing import Lesson, Plot, Said, See, Source, Try
from lessons.writing import exactly, formula, lines, matrix, question, setting, table
from tfx.ops.basics.softmax import softmax_forward


@dataclass(frozen=True)
class Settings:
    factor: float = setting(2.0, -100, 100, "what 21 is multiplied by")


class Run:
    def __init__(self, request):
        self.factor, self.text = request.settings.factor, request.text or "nothing"


lesson = Lesson(Run, Settings, text="nothing")


@lesson.step("The numbers")
def the_numbers(run):
    yield f"You said: {run.text}."
    yield formula("y = f x", "(1) -> (1)")
    yield matrix("S", np.arange(6).reshape(2, 3) * run.factor, "query, key", ("a", "b"), ("x", "y", "z"), "Look at z.")
    yield softmax_forward
    yield Try.here(factor=3)
    yield Try("tfx experiment scaling", {"mean": 0.5})


@lesson.step("The product")
def the_product(run):
    yield "Before the question."
    yield question("What is 21 times the factor?", 21 * run.factor, "Add it up.", 0.01)
    yield f"It is {21 * run.factor:g}."
    yield exactly("double", "21 doubles to 42", 42.0, 21 * run.factor)
    yield Said("Twice a number is larger.", "too strong", "Twice a negative number is smaller.", "C999")
    yield Source("Euclid", -300, "Elements", "book VII")
    yield See("doubling", "the_table")


@lesson.step("The table")
def the_table(run):
    if run.factor == 13:
        raise ArithmeticError("thirteen")
    yield table("Growth", [{"n": 1, "y": run.factor}, {"n": 2, "y": None}], n="n", y="y [mm]")
    yield Plot("It grows", "n", "y", lines((1, 2), law=(run.factor, 2 * run.factor)))
"""


@pytest.fixture
def tfx(monkeypatch, capsys, tmp_path) -> Callable[..., Ran]:
    """`tfx("explain", "doubling")` runs the command in this process, in an empty folder, 80 columns wide."""
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir(exist_ok=True)
    monkeypatch.chdir(here)

    def run(*words: str) -> Ran:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def talk(tfx, monkeypatch) -> Callable[..., Ran]:
    """`talk(["1", "q"], "quiz")` types these lines; an exception among them is raised instead; then the input ends."""

    def converse(lines: Iterable[str | BaseException], *words: str) -> Ran:
        typed = iter(lines)

        def answer() -> str:
            line = next(typed, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr(tfx_cli.terminal.console, "interactive", lambda: True)
        return tfx(*words)

    return converse


@pytest.fixture
def doubling(tmp_path) -> Iterator[Topic]:
    """A course of one module with the one topic `doubling` (alias `twice`): a folder, and one line in course.toml."""
    with made_up_course(tmp_path / "course", COURSE, {"numbers/doubling": LESSON}):
        yield find_topic("doubling")

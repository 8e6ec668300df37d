"""What several tests of the command line stand on: a quick way to run it, and a course of one topic."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.course as course
from tests.cli.running import TERMINAL_VARIABLES, Ran
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text
from tfx_cli.__main__ import main

LESSON = """+++
title = "Doubling"
level = 1
minutes = 3
questions = []
+++

# Doubling

Twice {{value half:.1f}} is {{value whole}}.

- a point that is long enough to need a second line when the terminal has only forty columns

    kept   as   it is

{{source tfx.ops.basics.softmax.softmax_forward}}
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


@dataclasses.dataclass(frozen=True)
class Settings:
    """factor: what 21 is multiplied by."""

    factor: float = 2.0


def walkthrough(request: course.Request) -> Iterator[Step]:
    """Three steps; the check holds only for factor 2."""
    factor = request.settings.factor
    grid = Matrix("S", np.arange(6).reshape(2, 3) * factor, ("query", "key"), ("a", "b"), ("x", "y", "z"), "Look at z.")
    yield Step(
        "The numbers",
        (Text(f"You said: {request.text}."), Formula("y = f x", "(1) -> (1)"), grid, Code(softmax_forward)),
        ("--set factor=3   makes it three times",),
    )
    yield Step(
        "The product",
        (
            Text("Before the question."),
            Question("What is 21 times the factor?", 21 * factor, 0.01, "Add it up."),
            Text(f"It is {21 * factor:g}."),
            Check("double", "21 doubles to 42", 42.0, 21 * factor, 0.0, factor == 2),
        ),
    )
    yield Step(
        "The table",
        (
            Table("Growth", (Column("n", "n"), Column("y", "y", "mm")), ({"n": 1, "y": factor}, {"n": 2, "y": None})),
            Plot("It grows", "n", "y", (Series("law", (1, 2), (factor, 2 * factor), kind="line"),)),
        ),
    )


@pytest.fixture
def doubling(monkeypatch, tmp_path) -> course.Topic:
    """A course of one module with the one topic `doubling` (alias `twice`)."""
    folder = tmp_path / "course" / "numbers" / "doubling"
    folder.mkdir(parents=True)
    (folder / "lesson.md").write_text(LESSON, encoding="utf-8")
    topic = course.Topic("doubling", "numbers/doubling", (), ("twice",), "Numbers", "Doubling", 1, 3, ())
    module = SimpleNamespace(
        Settings=Settings, walkthrough=walkthrough, values=lambda: {"half": 21.0, "whole": 42}, __name__="doubling"
    )
    monkeypatch.setattr(course, "ROOT", tmp_path / "course")
    monkeypatch.setattr(course, "modules", lambda: (course.Module(1, "Numbers", "Counting.", (topic,)),))
    monkeypatch.setattr(course, "walkthrough_module", lambda found: module)
    return topic

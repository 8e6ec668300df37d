"""An experiment for the tests: how fast do squares grow?"""

from __future__ import annotations

from dataclasses import dataclass

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How fast do squares grow?"
TITLE = "Squares of numbers"
CLAIM = "Squares grow faster than their numbers, from 1 on."
COLUMNS = (Column("n", "n"), Column("square", "n squared", "m2"), Column("none", "nothing", detail=True))
BREAK_IT = ("--set top=2",)

#: The n whose row is interrupted, for the tests of Ctrl-C, and the n that were measured.
interrupted_at: list[int] = []
measured: list[int] = []


@dataclass(frozen=True)
class Settings:
    top: int = setting(3, 1, 1000, "the largest number")

    def check(self) -> None:
        if self.top > 100:
            raise BadInput("top must be at most 100.", "Try: --set top=3")


def rows(run: Run[Settings]) -> Measured:
    for n in run.over(range(run.settings.top), "counting {}"):
        if n in interrupted_at:
            raise KeyboardInterrupt
        measured.append(n)
        yield {"n": n, "square": float(n * n) + run.seed / 3, "none": None}


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    n = len(run.rows)
    return (Check("three", "there are three rows", 3, n, 0, n == 3),)


def prompt(run: Run[Settings]) -> str:
    return f"What is the square of {run.settings.top - 1}?"


def question(run: Run[Settings]) -> Question:
    return Question(prompt(run), run.rows[-1]["square"], 0.01, "A number times itself.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """A row that no even spread would show."""
    return (1,) if len(run.rows) > 1 else ()


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    series = Series("squares", [1, 2, 4], [1, 4, 16], [0.1, 0.2, 0.4])
    return (Plot("Squares grow", "n", "square", (series,), log_x=True),)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    return (Text("The finding."), Text("A note."))

"""An answer in PyTorch judged in this process: what is tried and compared is the same as in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lessons.practice.bench import Left
from lessons.practice.exercise import Exercise, exercises, find_exercise
from lessons.practice.frameworks import judged
from lessons.practice.judging import Verdict
from lessons.practice.slopes import pulls_of
from lessons.practice.tensors import in_tensors, pull
from lessons.practice.trying import Outcome, try_all

FOLDER = Path(__file__).with_name("torch_solutions")


def solutions() -> dict[str, Path]:
    """Right answers by the names of their files: `rms_norm`, and `rms_norm__library` for another way."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"}


def exercise_of(path: Path) -> Exercise:
    """The exercise that a file of theirs answers; other files are called as the exercises' own."""
    name = path.stem.partition("__")[0]
    return next(one for one in exercises().values() if one.given_stub.__module__.endswith(f".{name}"))


def here(name: str, source: str) -> Verdict:
    exercise, space = find_exercise(name), {"__name__": "practice"}
    exec(source, space)
    return of_function(exercise, space[exercise.function_name])


def of_function(exercise: Exercise, function: Any) -> Verdict:
    outcomes = try_all(in_tensors(function), [case.arguments for case in exercise.cases])
    return judged(exercise, Left(stage="done", outcomes=outcomes, pulled=pulled(exercise, function)))


def pulled(exercise: Exercise, function: Any) -> list[Outcome]:
    found = []
    for one in pulls_of(exercise):
        try:
            found.append(Outcome(tuple(pull(function, exercise.cases[one.place].arguments, one.upstream))))
        except Exception as error:
            found.append(Outcome(raised=(type(error).__name__, str(error))))
    return found

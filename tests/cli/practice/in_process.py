"""A learner's file run in this process, where the process of its own is not what is tested: a hundred times faster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lessons.practice import judging
from lessons.practice.bench import Left
from lessons.practice.exercise import Exercise, Mistake
from lessons.practice.trying import try_all


def run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on."""

    def run_file(path: Path, source: str, function: str, calls: Sequence[dict[str, Any]], **more: Any) -> Left:
        space: dict[str, Any] = {"__name__": "practice", "__file__": str(path)}
        try:
            exec(compile(source, str(path), "exec"), space)
        except Exception as error:
            return Left(stage="import", traceback=f"{type(error).__name__}: {error}")
        if function not in space:
            return Left(stage="call", missing=sorted(name for name in space if not name.startswith("_")))
        return Left(stage="done", outcomes=try_all(space[function], calls))

    monkeypatch.setattr(judging, "run_file", run_file)


def file_with(exercise: Exercise, mistake: Mistake) -> str:
    """The text of a file whose function makes this mistake."""
    function = mistake.function
    return f"from {function.__module__} import {function.__name__} as {exercise.function_name}\n"

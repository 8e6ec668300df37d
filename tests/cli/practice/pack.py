"""A pack of one exercise, small and whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EXERCISE = '''"""Rows that sum to one."""

from __future__ import annotations

import numpy as np

from lessons.practice.exercise import Exercise, Given

exercise = Exercise(
    "row-shares",
    "Rows that sum to one",
    rules=["x is (T, C), its rows do not sum to 0."],
    hints=["What does a row sum to?", "Along which axis is it summed?"],
    learned="each number is divided by the sum of its row.",
    results=["y: (T, C)"],
)


@exercise.stub
def row_shares(x):
    """Each number over the sum of its row."""
    ...


@exercise.solution
def solution(x):
    return x / x.sum(axis=-1, keepdims=True)


@exercise.equal
def row_by_row(x):
    return np.array([row / sum(row) for row in x])


@exercise.inputs
def inputs(rng):
    yield Given("three rows of two", {"x": rng.uniform(1, 2, (3, 2))})
    yield Given("one row", {"x": rng.uniform(1, 2, (1, 4))})
'''
MISTAKES = '''"""What people write in the place of it."""

from __future__ import annotations

from .row_shares import exercise


@exercise.mistake
def columns(x):
    """Each number is divided by the sum of its column.

    Why: axis 0 comes first.
    Hint: Which axis is a row?
    """
    return x / x.sum(axis=0, keepdims=True)


@exercise.mistake
def not_divided(x):
    """Nothing is divided.

    Why: It is forgotten.
    Hint: What do rows sum to?
    """
    return 1.0 * x
'''
FILES = {"row_shares.py": EXERCISE, "row_shares_mistakes.py": MISTAKES}
RIGHT = "def row_shares(x):\n    return x / x.sum(axis=1, keepdims=True)\n"
BY_COLUMNS = "def row_shares(x):\n    return x / x.sum(axis=0, keepdims=True)\n"


def write_pack(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def with_line(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)

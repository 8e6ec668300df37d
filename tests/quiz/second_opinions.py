"""What a quiz question shows its reader, so that a test can answer it again without the library."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lessons.grading import Asked, ask, grade, show_shape
from lessons.quiz import NumberCase, all_items

#: A number that is not part of a name: not the 32 of float32.
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


def questions(id: str, seeds: int = 60) -> Iterator[tuple[list[float], Asked]]:
    """The numbers in the text of each drawing of the item, in the order in which they are read, and the drawing."""
    (item,) = (item for item in all_items() if item.id == id)
    for seed in range(seeds):
        asked = ask(item, seed)
        yield [float(number) for number in _NUMBER.findall(asked.prompt)], asked


def agrees(asked: Asked, answer: float | tuple[float, ...]) -> None:
    """Fails unless the key of this drawing is `answer`, and a reader who gives it is told that it is right."""
    assert asked.case is not None
    if isinstance(asked.case, NumberCase):
        assert asked.case.answer == pytest.approx(answer, rel=1e-9), asked.prompt
        assert isinstance(answer, int | float) and grade(asked, repr(float(answer))).correct, asked.prompt
    else:
        assert isinstance(answer, tuple) and asked.case.answer == answer, asked.prompt
        assert grade(asked, show_shape(tuple(map(int, answer)))).correct, asked.prompt

"""In which framework an exercise is answered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from tfx.errors import BadInput

if TYPE_CHECKING:
    from lessons.exercise_names import Listed
    from lessons.practice.exercise import Exercise


class Framework(StrEnum):
    numpy = "numpy"
    torch = "torch"

    @property
    def words(self) -> str:
        """What a command of it ends with."""
        return "" if self is Framework.numpy else f" --framework {self}"

    def has(self, exercise: Exercise) -> bool:
        """Whether an exercise can be answered in it."""
        return self is Framework.numpy or exercise.has_torch

    def those_of(self, exercises: Mapping[str, Exercise]) -> Mapping[str, Exercise]:
        """The exercises that can be answered in it; in NumPy all, none of which is imported for that."""
        if self is Framework.numpy:
            return exercises
        return {name: one for name, one in exercises.items() if self.has(one)}

    def names_of(self, listed: Mapping[str, Listed]) -> dict[str, Listed]:
        """The same of a list; nothing is imported for that but where it has to be."""
        if self is Framework.numpy:
            return dict(listed)
        from lessons.practice.exercise import exercises

        return {name: one for name, one in listed.items() if self.has(exercises()[name])}

    def require(self, exercise: Exercise) -> Exercise:
        """The exercise.  Raises BadInput where it cannot be answered in it."""
        if not self.has(exercise):
            raise BadInput(
                f"{exercise.name} is about texts: there are no tensors in it, and it has no form in PyTorch.",
                f"Answer it without --framework: tfx practice start {exercise.name}",
            )
        return exercise

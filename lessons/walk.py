"""A lesson on one reader's input: steps that run when they are shown, with links that are whole commands."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lessons.course import Topic, lesson_of
from lessons.exercise_names import derivation_names, exercise_names
from lessons.links import completed
from lessons.request import Request
from lessons.writing import Lesson, Scene, as_record
from tfx.errors import BadInput, many, unknown_name
from tfx.records import Check, See, Step, Try

#: complete(link, the name of the step where it stands) -> the link with its whole command
Complete = Callable[[Try | See, str], Try | See]


def walk(topic: Topic, request: Request) -> Walk:
    """The lesson of a topic on the reader's input."""
    to_write = [f"tfx practice start {name}" for name in exercise_names(topic)]
    to_write += [f"tfx practice derive {name}" for name in derivation_names(topic)]
    return Walk(lesson_of(topic), request, lambda link, step: completed(link, topic, step, request), tuple(to_write))


class Walk:
    """A lesson on one reader's input.  Its steps are known at once; each is run when it is asked for, and kept.

    complete: what turns a `Try` or a `See`, seen at the step of that name, into a whole command.  to_write: commands
    that begin an exercise or a derivation, shown at the last step.
    """

    def __init__(self, lesson: Lesson, request: Request, complete: Complete, to_write: tuple[str, ...] = ()) -> None:
        self.request = request
        self._run = lesson.start(request)
        self._scenes = [scene for scene in lesson.scenes if scene.when(self._run)]
        self._complete, self._to_write = complete, to_write
        self._shown: dict[int, Step] = {}

    def __len__(self) -> int:
        return len(self._scenes)

    def __iter__(self) -> Iterator[Step]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Step:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index not in self._shown:
            self._shown[index] = self._written(self._scenes[index])
        return self._shown[index]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(scene.name for scene in self._scenes)

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(scene.title for scene in self._scenes)

    def was_shown(self, index: int) -> bool:
        """Whether that step has been run."""
        return index in self._shown

    @property
    def checks_shown(self) -> tuple[Check, ...]:
        """The checks of the steps that have been run."""
        return tuple(check for _, step in sorted(self._shown.items()) for check in step.checks)

    def place(self, step: str) -> int:
        """Index of the step of that name, or of that number counted from 1.  Raises BadInput when there is none."""
        step = step.strip()
        if step.isascii() and step.isdigit():
            if not 1 <= int(step) <= len(self):
                are = "is" if len(self) == 1 else "are"
                raise BadInput(f"there {are} {many(len(self), 'step')} here, so there is no step {step}.")
            return int(step) - 1
        name = "_".join(step.lower().replace("-", " ").split())
        if name not in self.names:
            raise unknown_name("step", step, self.names, f"steps here: {', '.join(self.names)}")
        return self.names.index(name)

    def _written(self, scene: Scene) -> Step:
        arguments: list[Any] = [self._run]
        if len(inspect.signature(scene.write).parameters) > 1:
            arguments.append(generator_of(self.request.seed, scene.name))
        shown = [as_record(written) for written in scene.write(*arguments)]
        whole = [self._complete(record, scene.name) if isinstance(record, Try | See) else record for record in shown]
        here = self._complete(Try.here(), scene.name).command  # whoever has followed a suggestion is not given it again
        tries = tuple(record for record in whole if isinstance(record, Try) and record.command not in {here} - {""})
        records = tuple(record for record in whole if not isinstance(record, Try))
        return Step(scene.title, records, tries, scene.name, self._to_write if scene is self._scenes[-1] else ())


def generator_of(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one step: they depend on the seed and on its name alone."""
    return np.random.default_rng([seed, zlib.crc32(name.encode("ascii"))])

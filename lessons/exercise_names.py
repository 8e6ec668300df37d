"""Which exercises and derivations there are: from the names of their files and their first words, so that nothing is
imported for a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from lessons.course import Topic, topics

#: the exercises of the packs in use, by name
PACKED: ContextVar[Mapping[str, Any] | None] = ContextVar("exercises of packs", default=None)

TITLE = re.compile(r'^exercise = Exercise\(\s*"[^"]*",\s*"([^"]*)"', re.MULTILINE)


class Listed(NamedTuple):
    """An exercise as a list has it.  topic: its name; "" where it belongs to none."""

    name: str
    title: str
    topic: str

    @property
    def text(self) -> str:
        """Where a search looks."""
        return f"{self.name} {self.title} {self.topic}".lower()


def listed() -> dict[str, Listed]:
    """All by name, in the order of `lessons.practice.exercise.exercises`."""
    packed = PACKED.get()
    if packed is not None:
        return {name: Listed(name, exercise.title, exercise.topic) for name, exercise in packed.items()}
    files = [(topic, path) for topic in topics() for path in exercise_files(topic)]
    return {_name(path): Listed(_name(path), _title(path), topic.name) for topic, path in files}


def exercise_files(topic: Topic) -> Iterator[Path]:
    """The files `exercises/NAME.py` of a topic, without those of mistakes, by their names."""
    return _files(topic, "exercises", "_mistakes")


def derivation_files(topic: Topic) -> Iterator[Path]:
    """The files `derivations/NAME.py` of a topic, without those of slips, by their names."""
    return _files(topic, "derivations", "_slips")


def exercise_names(topic: Topic) -> tuple[str, ...]:
    """Names as they are typed: `layer-norm-backward`; none where the topic has nothing to write."""
    return tuple(map(_name, exercise_files(topic)))


def derivation_names(topic: Topic) -> tuple[str, ...]:
    """Names as they are typed: `layer-norm`; none where the topic has nothing to derive."""
    return tuple(map(_name, derivation_files(topic)))


def names_to_derive() -> tuple[str, ...]:
    """Of all topics, in the order of the course."""
    return tuple(name for topic in topics() for name in derivation_names(topic))


def _files(topic: Topic, folder: str, beside: str) -> Iterator[Path]:
    where = topic.path / folder
    if where.is_dir():  # most topics have none, and the map asks all of them
        for path in sorted(where.glob("*.py")):
            if path.stem != "__init__" and not path.stem.endswith(beside):
                yield path


def _name(path: Path) -> str:
    return path.stem.replace("_", "-")


def _title(path: Path) -> str:
    found = TITLE.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f'{path} does not begin its exercise with: exercise = Exercise("name", "title"')
    return found[1]

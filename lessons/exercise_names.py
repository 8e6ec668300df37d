"""Which exercises and derivations a topic has, by name alone: from the names of their files, so that nothing is imported
for a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lessons.course import Topic


def exercise_files(topic: Topic) -> Iterator[Path]:
    """The files `exercises/NAME.py` of a topic, without those of mistakes, by their names."""
    return _files(topic, "exercises", "_mistakes")


def derivation_files(topic: Topic) -> Iterator[Path]:
    """The files `derivations/NAME.py` of a topic, without those of slips, by their names."""
    return _files(topic, "derivations", "_slips")


def exercise_names(topic: Topic) -> tuple[str, ...]:
    """Names as they are typed: `layer-norm-backward`; none where the topic has nothing to write."""
    return tuple(path.stem.replace("_", "-") for path in exercise_files(topic))


def derivation_names(topic: Topic) -> tuple[str, ...]:
    """Names as they are typed: `layer-norm`; none where the topic has nothing to derive."""
    return tuple(path.stem.replace("_", "-") for path in derivation_files(topic))


def _files(topic: Topic, folder: str, beside: str) -> Iterator[Path]:
    for path in sorted((topic.path / folder).glob("*.py")):
        if path.stem != "__init__" and not path.stem.endswith(beside):
            yield path

"""Which exercises a topic has, by name alone: from the names of their files, so that nothing is imported for a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lessons.course import Topic


def exercise_files(topic: Topic) -> Iterator[Path]:
    """The files `exercises/NAME.py` of a topic, without those of mistakes, by their names."""
    for path in sorted((topic.path / "exercises").glob("*.py")):
        if path.stem != "__init__" and not path.stem.endswith("_mistakes"):
            yield path


def exercise_names(topic: Topic) -> tuple[str, ...]:
    """Names as they are typed: `layer-norm-backward`; none where the topic has nothing to write."""
    return tuple(path.stem.replace("_", "-") for path in exercise_files(topic))

"""A made-up course on disk: what a new topic is made of, a folder and one line in course.toml, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import lessons
from lessons import course, quiz

#: what else keeps something of the course, where it was imported
KEEPERS = (
    "tfx_cli.words.all_words",
    "lessons.practice.exercise.of_the_course",
    "lessons.practice.exercise.topic_of",
    "lessons.practice.derive.derivation.derivations",
    "lessons.practice.derive.derivation.derivation_topic",
)


@contextmanager
def made_up_course(root: Path, course_toml: str, topics: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, the course is the one in `root`.  topics: folder -> the text of its lesson.py."""
    known = set(sys.modules)
    for folder, lesson in topics.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "lesson.py").write_text(lesson, encoding="utf-8")
    root.mkdir(parents=True, exist_ok=True)
    (root / "course.toml").write_text(course_toml, encoding="utf-8")
    real = course.ROOT
    course.ROOT = root
    lessons.__path__.insert(0, str(root))
    _forget()
    try:
        yield
    finally:
        course.ROOT = real
        lessons.__path__.remove(str(root))
        _forget()
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(root)):
                del sys.modules[name]


def _forget() -> None:
    """What was read of another course, wherever it is kept."""
    course.modules.cache_clear()
    quiz.topic_items.cache_clear()
    for name in KEEPERS:
        module, _, function = name.rpartition(".")
        if module in sys.modules:
            getattr(sys.modules[module], function).cache_clear()

"""Reads the course: modules and topics in order, and the lesson of a topic.  Imports no NumPy until a lesson is read."""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons.course_file import BadCourseFile, read_modules
from tfx.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from lessons.writing import Lesson

ROOT = Path(__file__).parent
#: of a module, or of a topic in it
NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Topic:
    """One topic: a folder below `lessons`, and its line in course.toml.  after: the topics to do first; number: `3.4`
    is the fourth of module 3."""

    name: str
    folder: str
    title: str
    level: int
    minutes: int
    questions: tuple[str, ...]
    after: tuple[str, ...]
    aliases: tuple[str, ...]
    module: str
    number: str

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def package(self) -> str:
        return "lessons." + self.folder.replace("/", ".")


@dataclass(frozen=True)
class Module:
    number: int
    title: str
    about: str
    topics: tuple[Topic, ...]


@cache
def modules() -> tuple[Module, ...]:
    """All modules in course order.  Raises BadCourseFile, which names file and line."""
    return tuple(
        Module(
            entry["number"],
            entry["title"],
            entry["about"],
            tuple(_topic(topic, entry, place) for place, topic in enumerate(entry["topics"], start=1)),
        )
        for entry in read_modules(ROOT / "course.toml")
    )


def topics() -> tuple[Topic, ...]:
    """All topics in course order."""
    return tuple(topic for module in modules() for topic in module.topics)


def find_topic(name: str) -> Topic:
    """The topic of that name, alias or number (`3.4`); raises BadInput with the nearest name."""
    if NUMBER.fullmatch(name.strip()):
        return _numbered(name.strip())
    by_name = {key: topic for topic in topics() for key in (*topic.aliases, topic.name)}
    key = name.strip().lower().replace("_", "-")
    if key not in by_name:
        raise unknown_name("topic", name, by_name, "tfx explain")
    return by_name[key]


def find_module(number: str) -> Module:
    """The module of that number; raises BadInput that says which there are."""
    by_number = {str(module.number): module for module in modules()}
    if number not in by_number:
        *before, last = by_number
        known = f"the modules here are {', '.join(before)} and {last}" if before else f"the only module here is {last}"
        raise BadInput(f"there is no module {number}; {known}.", "See all: tfx explain")
    return by_number[number]


def _numbered(number: str) -> Topic:
    """The topic that the map calls so; raises BadInput for a place that no topic has."""
    module = find_module(number.partition(".")[0])
    for topic in module.topics:
        if topic.number == number:
            return topic
    first, last = module.topics[0].number, module.topics[-1].number
    topics_here = f"its topics are {first} to {last}" if first != last else f"its only topic is {first}"
    raise BadInput(
        f"there is no topic {number}: module {module.number} is {module.title}, and {topics_here}.",
        f"See them: tfx explain {module.number}   or all: tfx explain",
    )


def lesson_of(topic: Topic) -> Lesson:
    """The `lesson` of the topic's lesson.py.  Raises BadCourseFile when that cannot be imported."""
    try:
        lesson: Lesson = importlib.import_module(topic.package + ".lesson").lesson
    except Exception as error:
        raise BadCourseFile(f"{place_of(error, topic.path / 'lesson.py')}: {type(error).__name__}: {error}") from error
    if not hasattr(lesson, "settings"):
        raise BadCourseFile(f"{topic.path / 'lesson.py'}: its `lesson` is no Lesson")
    return lesson


def place_of(error: Exception, default: Path) -> str:
    """`lesson.py, line 7`: where the error arose, in the course's own files if it passed one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == default.parent
    ]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else str(default)


def _topic(entry: Mapping[str, Any], module: Mapping[str, Any], place: int) -> Topic:
    lists = {key: tuple(entry.get(key, ())) for key in ("questions", "after", "aliases")}
    folder = f"{module['folder']}/{entry['folder']}"
    number = f"{module['number']}.{place}"
    return Topic(
        entry["name"],
        folder,
        entry["title"],
        entry["level"],
        entry["minutes"],
        **lists,
        module=module["title"],
        number=number,
    )

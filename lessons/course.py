"""Reads the course: modules and topics in order, and the lesson of a topic.  Imports no NumPy until a lesson is read."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx.errors import unknown_name

if TYPE_CHECKING:
    from lessons.writing import Lesson

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """One topic: a folder below `lessons`, and its line in course.toml.  after: the topics to do first."""

    name: str
    folder: str
    title: str
    level: int
    minutes: int
    questions: tuple[str, ...]
    after: tuple[str, ...]
    aliases: tuple[str, ...]
    module: str

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
    """All modules in course order."""
    course = tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8"))
    return tuple(
        Module(
            entry["number"], entry["title"], entry["about"], tuple(_topic(topic, entry) for topic in entry["topics"])
        )
        for entry in course["module"]
    )


def topics() -> tuple[Topic, ...]:
    """All topics in course order."""
    return tuple(topic for module in modules() for topic in module.topics)


def find_topic(name: str) -> Topic:
    """The topic of that name or alias; raises BadInput with the nearest name."""
    by_name = {key: topic for topic in topics() for key in (*topic.aliases, topic.name)}
    key = name.strip().lower().replace("_", "-")
    if key not in by_name:
        raise unknown_name("topic", name, by_name, "tfx explain")
    return by_name[key]


def lesson_of(topic: Topic) -> Lesson:
    """The `lesson` of the topic's lesson.py."""
    lesson: Lesson = importlib.import_module(topic.package + ".lesson").lesson
    return lesson


def _topic(entry: Mapping[str, Any], module: Mapping[str, Any]) -> Topic:
    lists = {key: tuple(entry.get(key, ())) for key in ("questions", "after", "aliases")}
    folder = f"{module['folder']}/{entry['folder']}"
    return Topic(
        entry["name"], folder, entry["title"], entry["level"], entry["minutes"], **lists, module=module["title"]
    )

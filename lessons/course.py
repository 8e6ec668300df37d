"""Reads the course: modules, topics, their lessons and walkthroughs.  Imports no NumPy until a topic runs."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx.errors import unknown_name

if TYPE_CHECKING:
    from tfx.records import Step

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """One topic: a folder.  `title`, `level`, `minutes` and `questions` come from the front matter of lesson.md."""

    name: str
    folder: str
    after: tuple[str, ...]
    aliases: tuple[str, ...]
    module: str
    title: str
    level: int
    minutes: int
    questions: tuple[str, ...]

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


@dataclass(frozen=True)
class Request:
    """What the reader asked a walkthrough to run on.

    text: the reader's own sentence, or None for the topic's default.  settings: the topic's `Settings`.
    untrained: random weights in the place of trained ones.
    """

    text: str | None
    seed: int
    settings: Any
    untrained: bool = False


@cache
def modules() -> tuple[Module, ...]:
    """All modules in course order."""
    course = tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8"))
    return tuple(
        Module(m["number"], m["title"], m["about"], tuple(_topic(t, m["title"]) for t in m["topic"]))
        for m in course["module"]
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


def walkthrough_module(topic: Topic) -> Any:
    """The topic's walkthrough.py: `Settings`, `walkthrough(request) -> Iterator[Step]`, `values() -> dict`."""
    return importlib.import_module(topic.package + ".walkthrough")


def walk(topic: Topic, request: Request) -> Iterator[Step]:
    """Runs the walkthrough of a topic on the reader's input."""
    yield from walkthrough_module(topic).walkthrough(request)


def read_front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    """Splits `+++ TOML +++ body` into (front matter, body)."""
    _, head, body = text.split("+++\n", 2)
    return tomllib.loads(head), body


def _topic(entry: Mapping[str, Any], module: str) -> Topic:
    head, _ = read_front_matter((ROOT / entry["folder"] / "lesson.md").read_text(encoding="utf-8"))
    return Topic(
        entry["name"],
        entry["folder"],
        tuple(entry["after"]),
        tuple(entry["aliases"]),
        module,
        head["title"],
        head["level"],
        head["minutes"],
        tuple(head["questions"]),
    )

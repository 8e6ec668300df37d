"""Which questions of the five sources the course answers, and where.  Imports no NumPy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from lessons.course import ROOT, Topic, topics
from lessons.course_file import BadCourseFile, read_toml
from lessons.quiz import Item, topic_items

#: Parts of an id that stand for a section, a thing named in passing or a repeat: nobody asks them as a question.
NOT_ASKED = re.compile(r"-(tut|know|part|focus)-|-repeat$")


@dataclass(frozen=True)
class Question:
    """One entry of questions.toml.  module: the number of the module that answers it."""

    id: str
    ask: str
    module: int

    @property
    def asked(self) -> bool:
        """Whether somebody asks it, rather than that a source has a section about it."""
        return NOT_ASKED.search(self.id) is None


@dataclass(frozen=True)
class Answer:
    """A question and where it is answered: the topic that names it, its quiz items that train it, the steps they point at."""

    question: Question
    topic: Topic | None
    items: tuple[Item, ...]

    @property
    def gap(self) -> bool:
        """Whether no topic answers it, or none of the topic's items asks it."""
        return not self.items

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.see for item in self.items if item.see))


@cache
def questions() -> tuple[Question, ...]:
    """All, by module.  Raises BadCourseFile when the file breaks its own rules."""
    path = ROOT / "questions.toml"
    try:
        found = tuple(
            Question(entry["id"], entry["ask"], module["number"])
            for module in read_toml(path)[1]["module"]
            for entry in module["questions"]
        )
    except (KeyError, TypeError) as fault:
        raise BadCourseFile(f"{path}: an entry is not as the first lines of the file say: {fault!r}") from None
    ids = [question.id for question in found]
    if twice := sorted({id for id in ids if ids.count(id) > 1}):
        raise BadCourseFile(f"{path}: {twice[0]} is there twice")
    return found


def coverage(of: Iterable[Topic] | None = None) -> Iterator[Answer]:
    """Each question with its answer.  of: topics that count; all of the course unless told."""
    chosen = tuple(topics() if of is None else of)
    by_id = {id: topic for topic in chosen for id in topic.questions}
    for question in questions():
        topic = by_id.get(question.id)
        items = () if topic is None else tuple(item for item in topic_items(topic) if question.id in item.questions)
        yield Answer(question, topic, items)

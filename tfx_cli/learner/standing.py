"""How each topic stands with the reader, in one word: new, started, read, tested out, quiz due or known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from tfx_cli.learner.answers import Answer
from tfx_cli.learner.progress import NOTHING, Progress

if TYPE_CHECKING:
    from lessons.course import Topic

#: a topic is known when so large a share of its questions was answered, and of the last answers to them was right
ANSWERED, RIGHT = 0.5, 0.8

Word = Literal["new", "started", "read", "tested out", "quiz due", "known"]


@dataclass(frozen=True)
class Standing:
    """answered: questions of the topic that were ever answered; due: of them, waiting now; known: see above."""

    progress: Progress = NOTHING
    answered: int = 0
    due: int = 0
    known: bool = False

    @property
    def word(self) -> Word:
        """A topic that is begun and not finished is to be read on, whatever its questions say."""
        if self.progress.seen and not self.progress.done:
            return "started"
        if self.due:
            return "quiz due"
        if self.progress.done:
            return "tested out" if self.progress.tested_out else "known" if self.known else "read"
        return "started" if self.answered else "new"

    @property
    def words(self) -> str:
        """The word, with the numbers behind it: `seen 3 of 11`, `quiz due: 4`."""
        if self.word == "started":
            return self.progress.words or "quiz begun"
        return f"quiz due: {self.due}" if self.word == "quiz due" else self.word


def standings(
    topics: Sequence[Topic], reached: Mapping[str, Progress], log: Sequence[Answer], due: Mapping[str, datetime],
    now: datetime,
) -> dict[str, Standing]:  # fmt: skip
    """Topic -> how it stands.  reached: what was read of it; log: all answers, oldest first; due: when each comes back.

    Where nothing was answered no quiz is read.
    """
    from lessons.quiz_ids import item_ids

    latest = {answer.item: answer.correct for answer in log}
    touched: dict[str, set[str]] = defaultdict(set)
    for item in {*latest, *due}:
        touched[item.split("/")[0]].add(item)
    found = {}
    for topic in topics:
        progress = reached.get(topic.name, NOTHING)
        ids = item_ids(topic) if topic.name in touched else ()
        right = [latest[item] for item in ids if item in latest]
        waiting = sum(due[item] <= now for item in ids if item in due)
        known = bool(right) and len(right) >= ANSWERED * len(ids) and sum(right) >= RIGHT * len(right)
        found[topic.name] = Standing(progress, len(right), waiting, known)
    return found

"""How many of the reader's answers are right, topic by topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfx_cli.learner.answers import Answer


@dataclass(frozen=True)
class TopicScore:
    """items: questions that there are; seen: of them answered at least once; right: of all `answers`."""

    topic: str
    items: int
    seen: int
    answers: int
    right: int

    @property
    def share(self) -> float:
        """Of right answers; only where there are answers."""
        return self.right / self.answers

    @property
    def words(self) -> str:
        """`14% right (1 of 7 answers)`"""
        return f"{self.share:.0%} right ({self.right} of {self.answers} answer{'' if self.answers == 1 else 's'})"


def topic_scores(topic_of: Mapping[str, str], log: Sequence[Answer]) -> tuple[TopicScore, ...]:
    """topic_of: item id -> topic, of the items that count, in course order.  Answers to other items are left out."""
    scores = []
    for name in dict.fromkeys(topic_of.values()):
        own = [answer for answer in log if topic_of.get(answer.item) == name]
        total = sum(1 for other in topic_of.values() if other == name)
        scores.append(TopicScore(name, total, len({a.item for a in own}), len(own), sum(a.correct for a in own)))
    return tuple(scores)


def weakest(scores: Iterable[TopicScore]) -> TopicScore | None:
    """That with the lowest share of right answers, of two equal ones that with more answers; None without any."""
    started = [score for score in scores if score.answers]
    return min(started, key=lambda score: (score.share, -score.answers), default=None)

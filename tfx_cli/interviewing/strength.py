"""How well each topic is known, from the reader's last answers: what an interview asks first, and its plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lessons.course import Topic
from lessons.quiz import Item
from tfx_cli.learner.answers import Answer
from tfx_cli.quizzing.next_step import HALVED_AFTER, RECENT

#: below this share a topic is in the plan
KNOWN = 0.75
#: below this share what builds on a topic has to wait for it
SHAKY = 0.5


@dataclass(frozen=True)
class Strength:
    """share: of what was asked, recent answers counting more; answers: how many questions that is."""

    topic: str
    share: float
    answers: int


def strengths(log: Sequence[Answer], items: Iterable[Item]) -> dict[str, Strength]:
    """Topic -> its strength, from the latest answer to each question among the last answers."""
    topic_of = {item.id: item.explained_by for item in items}
    sums: dict[str, tuple[float, float, int]] = {}
    met: set[str] = set()
    for age, answer in enumerate(reversed(log[-RECENT:])):
        topic = topic_of.get(answer.item)
        if topic is None or answer.item in met:
            continue
        met.add(answer.item)
        weight = 0.5 ** (age / HALVED_AFTER)
        score, total, count = sums.get(topic, (0.0, 0.0, 0))
        sums[topic] = (score + weight * answer.score, total + weight, count + 1)
    return {topic: Strength(topic, score / total, count) for topic, (score, total, count) in sums.items()}


def needs(topics: Sequence[Topic]) -> dict[str, frozenset[str]]:
    """Topic -> all that it builds on, directly and through others.  topics: of the whole course."""
    after = {topic.name: topic.after for topic in topics}
    found: dict[str, frozenset[str]] = {}

    def visit(name: str) -> frozenset[str]:
        if name not in found:
            found[name] = frozenset()  # a course that goes in circles ends here
            direct = [other for other in after.get(name, ()) if other in after]
            found[name] = frozenset(direct).union(*map(visit, direct))
        return found[name]

    for topic in topics:
        visit(topic.name)
    return found


def weakest_first(known: Mapping[str, Strength], topics: Sequence[Topic]) -> list[Strength]:
    """Topics that are not known well enough, in the order in which to repeat them: always the weakest that is left, but
    what it builds on before it where that is shaky, too."""
    place = {topic.name: at for at, topic in enumerate(topics)}

    def order(one: Strength) -> tuple[float, int, int]:
        return one.share, -one.answers, place[one.topic]

    below = needs(topics)
    left = [known[topic.name] for topic in topics if topic.name in known and known[topic.name].share < KNOWN]
    ordered: list[Strength] = []
    while left:
        aim = min(left, key=order)
        group = [one for one in left if one is aim or (one.share < SHAKY and one.topic in below[aim.topic])]
        ready = [one for one in group if not any(other.topic in below[one.topic] for other in group)] or group
        first = min(ready, key=order)
        ordered.append(first)
        left.remove(first)
    return ordered

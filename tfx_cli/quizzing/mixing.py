"""In which order a round asks: first what a mistake in an exercise calls up, then what is due, then what is new in the
topics that the reader knows something of.

New questions come from the topics that were begun, then from those that can be begun, because all that they build on
is done, and only then from the others.  Questions of one topic do not stand together: students who practised kinds of
problems mixed up did better a week later than those who practised them in blocks.
Source: Rohrer and Taylor 2007, "The shuffling of mathematics problems improves learning", Instructional Science 35.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from lessons.quiz import Item
from tfx_cli.learner.path import BEGUN

MOST_OF_A_TOPIC = 3  # new questions in a round, before the next topic has its turn


def by_turns(items: Sequence[Item], due: Mapping[str, datetime], near: Mapping[str, int]) -> list[Item]:
    """The items in the order in which new ones are asked: a few of each topic, then the next few of each, and those of
    far topics after all others.

    items: in course order, which holds within a turn, so that no topic comes before those that it builds on.  near:
    see `learner.path.nearness`; a topic that is not there is as near as one that is begun.  A deck's item is
    as near as the topic that explains it.
    """
    new_of: Counter[str] = Counter()
    turn: dict[str, tuple[int, int]] = {}
    for item in items:
        if item.id not in due:
            turn[item.id] = (near.get(item.explained_by, BEGUN), new_of[item.topic] // MOST_OF_A_TOPIC)
            new_of[item.topic] += 1
    return sorted(items, key=lambda item: turn.get(item.id, (0, 0)))


def mixed(
    chosen: Sequence[Item], due: Mapping[str, datetime], now: datetime, called: Collection[str] = ()
) -> list[Item]:
    """What was chosen, with the topics in turn: what a mistake calls up, what is due, what is new, and the rest each
    by itself."""

    def kind(item: Item) -> int:
        if item.id in called:
            return -1
        return 1 if item.id not in due else 0 if due[item.id] <= now else 2

    return [item for _, part in groupby(chosen, key=kind) for item in in_turn(list(part))]


def in_turn(items: Sequence[Item]) -> list[Item]:
    """One question of each topic, then the second of each; the order of the topics, and within a topic, stays."""
    earlier: Counter[str] = Counter()
    turns = []
    for item in items:
        turns.append(earlier[item.topic])
        earlier[item.topic] += 1
    return [items[place] for place in sorted(range(len(items)), key=turns.__getitem__)]

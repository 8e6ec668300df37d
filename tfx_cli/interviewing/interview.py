"""A mock interview: main questions that take turns among the parts, and follow-ups along prerequisites.

    interview = Interview(wish, strengths, seed)
    while slot := interview.next(minutes_spent):
        ...                                        # ask slot.asked
        interview.judged(slot, verdict)            # a thin answer brings the next question, about what it builds on

Pure: equal wish, strengths, seed and answers give equal questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lessons.course import Topic, find_topic, topics
from lessons.decks import find_deck_or_topic, is_deck
from lessons.grading import Asked, Verdict, ask, item_seed
from lessons.quiz import Item, all_items
from tfx.errors import BadInput
from tfx_cli.interviewing.parts import FOLLOW_UP_MINUTES, MINUTES, follows_up, part_of
from tfx_cli.interviewing.strength import KNOWN, Strength

#: follow-ups after one main question
DEEPEST = 2
DEFAULT_MINUTES = 30


@dataclass(frozen=True)
class InterviewWish:
    """level: up to this one.  topics: names of topics or decks, none for all.  count: main questions at most."""

    minutes: int = DEFAULT_MINUTES
    level: int | None = None
    topics: tuple[str, ...] = ()
    count: int | None = None


@dataclass(frozen=True)
class Slot:
    """One question.  minutes: that it takes.  after: the topic whose thin answer it follows, "" for a main question;
    depth: how many follow-ups deep."""

    asked: Asked
    part: str
    minutes: float
    after: str = ""
    depth: int = 0

    @property
    def topic(self) -> str:
        return self.asked.item.explained_by


@dataclass(frozen=True)
class Judged:
    slot: Slot
    verdict: Verdict


class Interview:
    """planned: the main questions, as many as fit the time.  judged_so_far: what was answered."""

    def __init__(self, wish: InterviewWish, known: Mapping[str, Strength], seed: int) -> None:
        self.wish, self.seed, self.known = wish, seed, known
        self.items = all_items()
        self.planned = self._plan()
        self._waiting = list(self.planned)
        self._used = {slot.asked.item.id for slot in self.planned}
        self.judged_so_far: list[Judged] = []
        self.asked_so_far = 0

    @property
    def length(self) -> int:
        """How many questions there are, as far as is known by now."""
        return self.asked_so_far + len(self._waiting)

    def next(self, minutes_spent: float) -> Slot | None:
        """The next question; None when there is none left, or no time for it to begin."""
        if not self._waiting or minutes_spent >= self.wish.minutes:
            return None
        self.asked_so_far += 1
        return self._waiting.pop(0)

    def judged(self, slot: Slot, verdict: Verdict) -> None:
        """Takes an answer down.  A thin one is followed by a question about what its topic builds on."""
        self.judged_so_far.append(Judged(slot, verdict))
        if not verdict.correct and slot.depth < DEEPEST and (follow_up := self._follow_up(slot)):
            self._used.add(follow_up.asked.item.id)
            self._waiting.insert(0, follow_up)

    def _follow_up(self, slot: Slot) -> Slot | None:
        """A short question about a prerequisite, the weakest one first."""
        own = find_topic(slot.topic).after
        share = {name: one.share for name, one in self.known.items()}
        for name in sorted(own, key=lambda name: (share.get(name, 1.0), own.index(name))):
            fitting = [item for item in self._unused() if item.topic == name and follows_up(item)]
            if fitting:
                item = min(fitting, key=lambda item: (item.level, item_seed(self.seed, item.id)))
                return Slot(self._ask(item), "follow-up", FOLLOW_UP_MINUTES, slot.topic, slot.depth + 1)
        return None

    def _unused(self) -> Iterable[Item]:
        return (item for item in self.items if item.id not in self._used)

    def _ask(self, item: Item) -> Asked:
        return ask(item, item_seed(self.seed, item.id))

    def _plan(self) -> list[Slot]:
        """The parts take turns, and each takes a question of a topic that was not asked about yet, weak ones first."""
        fitting: dict[str, list[Item]] = {part: [] for part in MINUTES}
        for item in fitting_items(self.items, self.wish):
            part = part_of(item)
            if part is not None:
                fitting[part].append(item)
        if not any(fitting.values()):
            where = ", ".join(self.wish.topics) or "the course"
            level = f" up to level {self.wish.level}" if self.wish.level is not None else ""
            raise BadInput(f"{where} has no interview question{level}.", "All topics: tfx quiz --interview")
        rank = self._ranking()
        met: Counter[str] = Counter()
        planned: list[Slot] = []
        left = float(self.wish.minutes)
        most = self.wish.count or len(self.items)
        while any(fitting.values()) and len(planned) < most:
            before = len(planned)
            for part, minutes in MINUTES.items():
                if not fitting[part] or (minutes > left and planned) or len(planned) >= most:
                    continue
                item = min(
                    fitting[part], key=lambda item: (met[item.explained_by], rank[item.explained_by], self._draw(item))
                )
                fitting[part].remove(item)
                met[item.explained_by] += 1
                left -= minutes
                planned.append(Slot(self._ask(item), part, minutes))
            if len(planned) == before:
                break
        return planned

    def _draw(self, item: Item) -> int:
        return item_seed(self.seed, item.id)

    def _ranking(self) -> dict[str, int]:
        """Topic -> its turn: what is not known well, the weakest first, then the others as the seed draws them."""
        share = {topic.name: KNOWN for topic in topics()} | {name: one.share for name, one in self.known.items()}
        ordered = sorted(share, key=lambda name: (min(share[name], KNOWN), item_seed(self.seed, name)))
        return {name: at for at, name in enumerate(ordered)}


def fitting_items(items: Sequence[Item], wish: InterviewWish) -> list[Item]:
    """Those of the topics and levels that are asked for."""
    names = {find_deck_or_topic(name).name for name in wish.topics}
    return [
        item
        for item in items
        if (wish.level is None or item.level <= wish.level)
        and (not names or item.explained_by in names or item.topic in names)
    ]


def topics_of(wish: InterviewWish) -> list[Topic]:
    """The topics that the plan may propose anew: those that were asked for, or all."""
    named = [find_deck_or_topic(name) for name in wish.topics]
    return [topic for topic in named if not is_deck(topic.name)] or list(topics())

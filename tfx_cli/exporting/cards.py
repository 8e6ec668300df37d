"""The quiz as cards: one for a question as it is written, three with other numbers for one that is computed.

A card has an id that never changes: the id of its question and the number of the variant.  Which numbers it shows
follows from the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lessons.course import Topic
from lessons.estimate_answers import show_estimate
from lessons.grading import Asked, ask, item_seed, show_number, show_shape
from lessons.quiz import EstimateCase, Item, NumberCase, ShapeCase, topic_items

VARIANTS = 3
#: so many drawings are looked at for a variant that nobody has seen yet
DRAWINGS = 50


@dataclass(frozen=True)
class Card:
    """variant: counted from 1; 0 for a question that has one form.  wrong: each answer that is known to be wrong, what
    is behind it, and why it is not right."""

    topic: Topic
    asked: Asked
    variant: int
    wrong: tuple[tuple[str, str, str], ...]

    @property
    def id(self) -> str:
        return self.asked.item.id + (f"#{self.variant}" if self.variant else "")

    @property
    def tags(self) -> list[str]:
        """Without blanks: Anki parts tags at them."""
        item = self.asked.item
        title = self.topic.module or self.topic.name
        module = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
        ids = [f"question::{question}" for question in item.questions]
        return ["tfx", f"module::{module}", f"topic::{item.topic}", f"level::{item.level}", f"item::{item.id}", *ids]


def cards_of(topics: Sequence[Topic], seed: int) -> Iterator[Card]:
    """The cards of these topics, in order."""
    for topic in topics:
        for item in sorted(topic_items(topic), key=lambda item: item.level):
            yield from (Card(topic, asked, variant, wrong_answers(asked)) for variant, asked in variants(item, seed))


def variants(item: Item, seed: int) -> list[tuple[int, Asked]]:
    """Three drawings that read differently, where there are so many; the one form of an item that is not computed."""
    if not item.compute:
        return [(0, ask(item, item_seed(seed, item.id)))]
    drawings = (ask(item, item_seed(seed, f"{item.id}#{drawing}")) for drawing in range(1, DRAWINGS + 1))
    different: dict[str, Asked] = {}
    for asked in drawings:
        different.setdefault(asked.prompt, asked)
        if len(different) == VARIANTS:
            break
    return list(enumerate(different.values(), start=1))


def wrong_answers(asked: Asked) -> tuple[tuple[str, str, str], ...]:
    """(answer, misconception, why) of each."""
    item, case = asked.item, asked.case
    if case is not None:
        return tuple((shown(wrong.value, case), wrong.misconception, wrong.why) for wrong in case.wrong)
    if item.kind == "order":
        return tuple(("", mistake.misconception, mistake.why) for mistake in item.mistakes)
    places = ((number, item.options[place]) for number, place in enumerate(asked.order, start=1) if item.options)
    return tuple((str(number), one.misconception, one.why) for number, one in places if not one.correct)


def shown(value: float | tuple[int, ...], case: NumberCase | ShapeCase) -> str:
    """A wrong answer as the right one is shown."""
    if isinstance(value, tuple):
        return show_shape(value)
    return show_estimate(value, case.unit) if isinstance(case, EstimateCase) else show_number(value)

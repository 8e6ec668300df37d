"""Where the course speaks of a mistake in an exercise: the step that clears it up, and the questions about that step.

A mistake may name its step in a last line of its docstring, `See: mask_traps`, or `See: scaling-variance the_sum` in
another topic; else it is the step of its exercise, else the whole topic.  The questions are those that show this step
when they are answered wrongly; where none does, those of the exercise's own step, else the first few of the topic.
"""

from __future__ import annotations

from typing import NamedTuple

from lessons.course import Topic, find_topic
from lessons.practice.derive.derivation import Derivation, derivation_topic
from lessons.practice.exercise import Exercise, Mistake, has_topic, topic_of
from lessons.quiz import topic_items

#: questions of the topic, where none is about the step
OF_THE_TOPIC = 2


class Place(NamedTuple):
    """topic: its name.  step: "" for all of it.  items: ids of the questions."""

    topic: str
    step: str
    items: tuple[str, ...]


def place_of(exercise: Exercise, mistake: Mistake) -> Place | None:
    """Where a mistake of this exercise is explained; None for a pack's that belongs to no topic.  Raises BadInput where
    it names a topic that is not there."""
    if not (mistake.see.count(" ") or has_topic(exercise)):
        return None
    *elsewhere, step = mistake.see.split() if mistake.see else [exercise.step]
    topic = find_topic(elsewhere[0]) if elsewhere else topic_of(exercise)
    return _place(topic, step, "" if elsewhere else exercise.step)


def place_of_derivation(derivation: Derivation) -> Place:
    """Where its slips are explained: the step that it names, else the topic in whose folder it lies."""
    return _place(derivation_topic(derivation), derivation.step)


def _place(topic: Topic, step: str, other: str = "") -> Place:
    """The questions about a step, else those about another one, else the first few of the topic."""
    items = sorted(topic_items(topic), key=lambda item: item.level)
    about = [[item.id for item in items if one and item.see == one] for one in (step, other)]
    return Place(topic.name, step, tuple(about[0] or about[1] or [item.id for item in items[:OF_THE_TOPIC]]))

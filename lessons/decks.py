"""Decks: questions that belong to no topic of the course, with a folder of their own.  `tfx quiz NAME` asks them.

A deck is read like a topic: its folder holds `quiz.toml` and `numbers.py`.  It has no lesson; each of its items names
the topic that explains it.
"""

from __future__ import annotations

from dataclasses import replace

from lessons.course import Topic, find_topic

ESTIMATES = Topic(
    name="estimates",
    folder="estimates",
    title="Estimates: memory, arithmetic and time of published models",
    level=3,
    minutes=0,
    questions=(),
    after=(),
    aliases=("estimate",),
    module="",
    number="",
)
INTERVIEW = replace(
    ESTIMATES,
    name="interview",
    folder="interview",
    title="Derivations and code, as interviews ask for them",
    aliases=("derivations",),
)
DECKS = (ESTIMATES, INTERVIEW)


def is_deck(name: str) -> bool:
    """Whether a deck and no topic has this name."""
    return any(name == deck.name for deck in DECKS)


def find_deck_or_topic(name: str) -> Topic:
    """The deck or the topic of that name or alias; raises BadInput with the nearest name of a topic."""
    key = name.strip().lower().replace("_", "-")
    return next((deck for deck in DECKS if key in (deck.name, *deck.aliases)), None) or find_topic(name)

"""The parts of an interview, which questions of the bank belong to each, and about how long an answer takes."""

from __future__ import annotations

import re

from lessons.decks import INTERVIEW
from lessons.quiz import Item

#: minutes that an answer takes, spoken or worked out; in the order in which the parts take turns
MINUTES = {"theory": 3.0, "shapes": 2.0, "estimate": 4.0, "what breaks if": 2.0, "derivation": 6.0, "code": 7.0}
#: a question that follows a thin answer is a short one
FOLLOW_UP_MINUTES = 1.5
#: what a question about a change or a bug says
BREAKS = re.compile(
    r"\bwhat (happens|goes wrong|becomes of|reacts|shows that)|\bthe bug:|\bis left out, and\b|\btakes the place of\b"
    r"|\b(you change|sets|shuffles?|forgets|swaps|copy a) "
)


def part_of(item: Item) -> str | None:
    """The part in which an interview asks it; None for what it does not ask unless it follows up."""
    if item.topic == INTERVIEW.name:
        return "code" if item.id.startswith(f"{INTERVIEW.name}/code-") else "derivation"
    if item.kind == "estimate":
        return "estimate"
    if item.kind == "shape":
        return "shapes"
    if item.kind == "open":
        return "theory"
    return (
        "what breaks if"
        if item.kind in ("choice", "several", "number") and BREAKS.search(item.prompt.lower())
        else None
    )


def follows_up(item: Item) -> bool:
    """Whether it may follow a thin answer: short, and judged without the reader's help."""
    return item.kind in ("choice", "several", "number", "shape") and item.level <= 2

"""When a quiz item comes back: FSRS, driven by how the answer was judged and never by a self-chosen button.

    wrong                             Again   back in 10 minutes
    right                             Good    in days, then weeks, then months
    open, half of the points said     Hard    not forgotten, but back sooner

The steps of FSRS that repeat a card within minutes are cut to one, because a round of `tfx quiz` is short.  A card is
only a summary of the answers: `rebuild` makes it again from the log.
Source: Ye et al. 2022, "A Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling"; the
library is fsrs.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsrs import Scheduler

    from lessons.quiz import Item

AGAIN, HARD, GOOD = 1, 2, 3
#: no answer is older than tfx
BEFORE_TFX = datetime(2025, 1, 1, tzinfo=UTC)
#: what a card that is none leads to
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def rating(correct: bool, score: float) -> int:
    """The rating that a verdict earns; score is the share of an open answer that was said."""
    return GOOD if correct else HARD if score >= 0.5 else AGAIN


@cache
def scheduler() -> Scheduler:
    """FSRS with its published weights, one ten-minute step, and no random fuzz."""
    from fsrs import Scheduler

    step = (timedelta(minutes=10),)
    return Scheduler(learning_steps=step, relearning_steps=step, enable_fuzzing=False)


def card_id(item_id: str) -> int:
    """A whole number for FSRS that never changes for this id."""
    return int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:6], "big")


def review(card: str | None, item_id: str, grade: int, at: datetime) -> tuple[str, datetime]:
    """One answer: the card before (JSON, None for a new one) -> the card after, and when it is due.

    Of a card that was last reviewed after `at`, one of the two clocks was wrong.  A clock that says a year before tfx
    existed is wrong now, so the review counts at the card's last one.  Otherwise that one was ahead: it counts as done
    at `at`, because it cannot have been later.  Raises one of UNREADABLE for a card that is none.
    """
    from fsrs import Card, Rating

    before = Card(card_id=card_id(item_id)) if card is None else Card.from_dict(json.loads(card))
    if not all(value is None or 0 < value < math.inf for value in (before.stability, before.difficulty)):
        raise ValueError("a card's stability and difficulty are above 0")
    at = at.astimezone(UTC)  # the library knows no other zone
    if before.last_review is not None and at < before.last_review:
        if at < BEFORE_TFX:
            at = before.last_review
        else:
            before.last_review = at
    after, _ = scheduler().review_card(before, Rating(grade), at)
    return json.dumps(after.to_dict(), sort_keys=True), after.due


def rebuild(log: Iterable[tuple[str, int, datetime]]) -> dict[str, tuple[str, datetime]]:
    """Replays (item id, rating, time) in order -> item id -> (card, when it is due)."""
    cards: dict[str, tuple[str, datetime]] = {}
    for item_id, grade, at in log:
        before = cards.get(item_id, (None,))[0]
        cards[item_id] = review(before, item_id, grade, at)
    return cards


def seen_from(now: datetime, card: str, due: datetime) -> datetime:
    """When a card is due.  One that was last reviewed after `now`, because the clock was ahead then, is due now."""
    if due <= now or now < BEFORE_TFX:
        return due
    try:
        last = datetime.fromisoformat(json.loads(card)["last_review"])
        return now if last > now else due
    except UNREADABLE:
        return due


def pick(
    items: Sequence[Item], due: Mapping[str, datetime], now: datetime, count: int, only_due: bool, ahead: bool,
    called: Collection[str] = (),
) -> list[Item]:  # fmt: skip
    """What to ask: items that are due, the longest waiting first; then new ones as they come.

    items: in the order in which new ones are to be asked.  due: when each item that was ever answered comes back.
    only_due leaves out the new ones; ahead fills up with items that are not due yet, the soonest first.  called: ids of
    those that a mistake in an exercise calls up; they come before all others.
    """
    seen = sorted((item for item in items if item.id in due), key=lambda item: (item.id not in called, due[item.id]))
    chosen = [item for item in seen if due[item.id] <= now]
    if not only_due:
        chosen += [item for item in items if item.id not in due]
        chosen += [item for item in seen if due[item.id] > now] if ahead else []
    return chosen[:count]


def in_words(wait: timedelta) -> str:
    """`now`, `in 10 minutes`, `in 3 hours`, `in 2 days`, `in 5 weeks`, `in 7 months`."""
    seconds = wait.total_seconds()
    if seconds < 30:
        return "now"
    for name, size, below in (("minute", 60, 90), ("hour", 3600, 36), ("day", 86400, 14), ("week", 604800, 9)):
        amount = round(seconds / size)
        if amount < below:
            return f"in {max(amount, 1)} {name}{'' if amount <= 1 else 's'}"
    return f"in {round(seconds / (30.4 * 86400))} months"

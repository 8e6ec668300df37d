"""When an item comes back, and what is asked next."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from lessons.course import ROOT
from lessons.quiz import read_items
from tfx_cli.learner.scheduling import AGAIN, GOOD, HARD, card_id, in_words, pick, rating, rebuild, review

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PATH = ROOT / "attention" / "scaling_variance" / "quiz.toml"
ITEMS = sorted(read_items(PATH, "scaling-variance", "lessons.attention.scaling_variance"), key=lambda item: item.level)


def waits(grades: list[int]) -> list[timedelta]:
    """How long each answer makes the item wait, when it is always answered the moment it is due."""
    card, at, found = None, NOW, []
    for grade in grades:
        card, due = review(card, "topic/item", grade, at)
        found.append(due - at)
        at = due
    return found


def test_a_wrong_answer_comes_back_in_ten_minutes():
    assert waits([AGAIN, AGAIN]) == [timedelta(minutes=10)] * 2
    assert waits([GOOD, GOOD, AGAIN])[-1] == timedelta(minutes=10)


def test_right_answers_wait_longer_every_time():
    found = waits([GOOD] * 6)
    assert found[0] >= timedelta(days=1) and all(a < b for a, b in pairwise(found))


def test_a_half_right_open_answer_comes_back_sooner_than_a_good_one():
    assert waits([GOOD, HARD])[-1] < waits([GOOD, GOOD])[-1]


def test_the_rating_follows_from_the_verdict():
    assert [rating(True, 1.0), rating(True, 0.8), rating(False, 0.5), rating(False, 0.4)] == [GOOD, GOOD, HARD, AGAIN]


def test_nothing_about_a_review_is_random():
    assert review(None, "a/b", GOOD, NOW) == review(None, "a/b", GOOD, NOW)
    assert card_id("a/b") == card_id("a/b") != card_id("a/c")
    assert json.loads(review(None, "a/b", GOOD, NOW)[0])["card_id"] == card_id("a/b")


def test_any_zone_is_the_same_moment():
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert review(None, "a/b", GOOD, local) == review(None, "a/b", GOOD, NOW)


def test_rebuilding_takes_each_item_by_itself():
    log = [("a/x", GOOD, NOW), ("a/y", AGAIN, NOW), ("a/x", GOOD, NOW + timedelta(days=3))]
    both = rebuild(log)
    assert both["a/x"] == rebuild([log[0], log[2]])["a/x"] and both["a/y"] == rebuild([log[1]])["a/y"]


def test_due_items_come_first_the_longest_waiting_before_all_then_new_ones_in_course_order():
    due = {
        ITEMS[5].id: NOW - timedelta(days=1),
        ITEMS[2].id: NOW - timedelta(days=3),
        ITEMS[0].id: NOW + timedelta(days=1),
    }
    chosen = pick(ITEMS, due, NOW, 9, only_due=False, ahead=False)
    assert chosen[:2] == [ITEMS[2], ITEMS[5]]
    assert chosen[2:] == [item for item in ITEMS if item.id not in due]
    assert [item.level for item in chosen[2:]] == sorted(item.level for item in chosen[2:])


def test_only_due_asks_nothing_new_and_ahead_fills_up_with_the_soonest():
    due = {item.id: NOW + timedelta(days=9 - n) for n, item in enumerate(ITEMS[:8])} | {ITEMS[0].id: NOW}
    assert pick(ITEMS, due, NOW, 9, only_due=True, ahead=False) == [ITEMS[0]]
    assert pick(ITEMS, due, NOW, 4, only_due=False, ahead=True) == [ITEMS[0], ITEMS[8], ITEMS[7], ITEMS[6]]


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=50), "in 1 minute"),
        (timedelta(minutes=9, seconds=59), "in 10 minutes"),
        (timedelta(hours=3), "in 3 hours"),
        (timedelta(hours=24), "in 24 hours"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(days=21), "in 3 weeks"),
        (timedelta(days=100), "in 3 months"),
    ],
)
def test_waits_are_said_in_words(wait, words):
    assert in_words(wait) == words

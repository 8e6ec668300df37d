"""What a round asks of someone who has answered nothing yet, and in the rounds after it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from lessons.course import find_topic
from lessons.quiz import all_items
from tfx_cli.quizzing.round import Wish, items_for, questions

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def asked(wish: Wish, due: dict[str, datetime]) -> list:
    return [one.item for one in questions(wish, items_for(wish), due, NOW, seed=1)]


@pytest.mark.parametrize("wish", [Wish(), Wish(count=20), Wish(level=2)])
def test_a_first_round_has_at_most_three_questions_of_a_topic(wish):
    items = asked(wish, {})
    assert len(items) == wish.count
    assert max(Counter(item.topic for item in items).values()) <= 3


def test_a_first_round_of_ten_mixes_four_topics_the_easy_questions_first():
    items = asked(Wish(), {})
    counts = Counter(item.topic for item in items)
    assert list(counts) == list(dict.fromkeys(item.topic for item in all_items()))[:4]
    assert list(counts.values()) == [3, 3, 3, 1]
    for topic in counts:
        levels = [item.level for item in items if item.topic == topic]
        assert levels == sorted(item.level for item in all_items() if item.topic == topic)[: len(levels)]


def test_the_second_round_goes_on_with_the_topics_of_the_first():
    first = asked(Wish(), {})
    second = asked(Wish(), {item.id: NOW + timedelta(days=30) for item in first})
    assert not {item.id for item in first} & {item.id for item in second}
    assert Counter(item.topic for item in first) == Counter(item.topic for item in second)


def test_no_topic_is_asked_before_those_that_it_builds_on():
    due: dict[str, datetime] = {}
    met: set[str] = set()
    for _ in range(12):
        for item in asked(Wish(), due):
            assert set(find_topic(item.topic).after) <= met, item.id
            met.add(item.topic)
            due[item.id] = NOW + timedelta(days=30)


def test_all_new_questions_come_in_the_end_and_each_once():
    due: dict[str, datetime] = {}
    told: list[str] = []
    while items := asked(Wish(), due):
        told += [item.id for item in items]
        due |= {item.id: NOW + timedelta(days=30) for item in items}
    assert sorted(told) == sorted(item.id for item in all_items())


def test_what_is_due_comes_before_what_is_new_and_the_longest_waiting_first():
    old = list(all_items())[-2:]
    due = {old[0].id: NOW - timedelta(hours=1), old[1].id: NOW - timedelta(days=1)}
    assert [item.id for item in asked(Wish(count=3), due)][:2] == [old[1].id, old[0].id]


def test_a_topic_asked_for_by_name_is_asked_in_its_own_order():
    topic = "scaling-variance"
    own = sorted((item for item in all_items() if item.topic == topic), key=lambda item: item.level)
    assert asked(Wish(topic=topic, count=6), {}) == own[:6]

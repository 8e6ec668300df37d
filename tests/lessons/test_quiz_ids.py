"""The ids that are read from lines are those of the items that the parser reads."""

from __future__ import annotations

import dataclasses

import pytest

import lessons.course as course
from lessons.quiz import topic_items
from lessons.quiz_ids import item_ids


@pytest.mark.parametrize("topic", course.topics(), ids=lambda topic: topic.name)
def test_the_ids_are_those_of_the_items(topic):
    assert item_ids(topic) == tuple(item.id for item in topic_items(topic)) != ()


def test_a_topic_without_a_quiz_has_no_ids():
    assert item_ids(dataclasses.replace(course.topics()[0], folder="attention")) == ()

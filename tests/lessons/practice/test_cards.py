"""Every mistake in an exercise points at a step that is there and calls up questions that are there."""

from __future__ import annotations

import pytest

from lessons.course import find_topic, lesson_of, topics
from lessons.practice.cards import place_of
from lessons.practice.exercise import exercises, find_exercise, topic_of
from lessons.quiz import topic_items

EACH = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda one: one.name)


@EACH
def test_every_place_is_there_and_none_is_in_a_later_module(exercise):
    order = list(dict.fromkeys(topic.module for topic in topics()))
    for mistake in exercise.mistakes:
        place = place_of(exercise, mistake)
        topic = find_topic(place.topic)
        assert order.index(topic.module) <= order.index(topic_of(exercise).module), mistake.id
        assert not place.step or place.step in {scene.name for scene in lesson_of(topic).scenes}, mistake.id
        assert place.items and set(place.items) <= {item.id for item in topic_items(topic)}, mistake.id
        assert "See:" not in mistake.hint


def place(exercise: str, slug: str) -> tuple[str, str, tuple[str, ...]]:
    found = find_exercise(exercise)
    return tuple(place_of(found, next(one for one in found.mistakes if one.id == f"{exercise}/{slug}")))


def test_a_mistake_about_a_mask_leads_to_the_step_about_masks_and_its_questions():
    asked = ("attention-scaled-dot-product/mask-conventions", "attention-scaled-dot-product/fully-blocked")
    assert place("attention", "mask-the-other-way-round") == ("attention-scaled-dot-product", "mask_traps", asked)


def test_a_mistake_may_lead_to_an_earlier_topic():
    asked = ("scaling-variance/scale-factor", "scaling-variance/weight-of-two")
    assert place("attention", "not-scaled") == ("scaling-variance", "the_division", asked)


def test_where_a_step_has_no_question_those_of_the_exercise_s_step_are_asked():
    assert place("rope", "halves") == ("positional-rope", "layouts", ("positional-rope/turned-pair",))

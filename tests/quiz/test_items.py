"""Every item of every quiz.toml keeps the rules of lessons/quiz.py, for many seeds."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache

import pytest

from lessons.course import topics
from lessons.grading import Asked, ask, grade, is_close, show_shape
from lessons.quiz import Item, NumberCase, topic_items

SEEDS = range(20)  # the linter draws more


ITEMS = [item for topic in topics() for item in topic_items(topic)]


@cache
def drawn(item: Item, seed: int) -> Asked:
    return ask(item, seed)


def every(*kinds: str) -> pytest.MarkDecorator:
    chosen = [item for item in ITEMS if item.kind in kinds]
    return pytest.mark.parametrize("item", chosen, ids=[item.id for item in chosen])


def test_ids_are_unique_in_the_whole_course():
    assert [item for item, count in Counter(item.id for item in ITEMS).items() if count > 1] == []


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_items_train_questions_of_their_topic(topic):
    for item in topic_items(topic):
        assert set(item.questions) <= set(topic.questions), item.id
        assert bool(item.questions) == bool(topic.questions), item.id
        assert all(re.fullmatch(r"\d{3}-[a-z0-9-]+", name) for name in item.questions), item.id


@every("number", "shape")
def test_answers_are_finite_and_far_from_every_wrong_value(item):
    for seed in SEEDS:
        case = drawn(item, seed).case
        assert case.wrong, "at least one named mistake"
        assert all(wrong.misconception and wrong.why and wrong.why.isascii() for wrong in case.wrong)
        if isinstance(case, NumberCase):
            assert math.isfinite(case.answer) and 0 <= case.tolerance <= 0.1
            for wrong in case.wrong:
                assert isinstance(wrong.value, int | float) and math.isfinite(wrong.value), wrong
                assert not is_close(wrong.value, case.answer, 2 * case.tolerance), (seed, case.values, wrong)
        else:
            assert case.answer and all(isinstance(n, int) and n > 0 for n in case.answer)
            for wrong in case.wrong:
                assert isinstance(wrong.value, tuple) and wrong.value != tuple(case.answer), (seed, case.values, wrong)


@every("number", "shape")
def test_the_answer_as_shown_is_accepted_and_every_wrong_value_names_its_misconception(item):
    for seed in SEEDS:
        asked = drawn(item, seed)
        assert grade(asked, asked.answer).correct, (seed, asked.answer)
        for wrong in asked.case.wrong:
            typed = show_shape(wrong.value) if isinstance(wrong.value, tuple) else repr(float(wrong.value))
            verdict = grade(asked, typed)
            twins = {other.misconception for other in asked.case.wrong if other.value == wrong.value}
            assert not verdict.correct and verdict.misconception in twins and verdict.why, (seed, wrong)


@every("number", "shape")
def test_numbers_are_fresh_and_the_text_has_no_gaps(item):
    asked = [drawn(item, seed) for seed in SEEDS]
    assert len({one.prompt for one in asked}) > 1, "the same question for every seed"
    for one in asked:
        assert one.prompt.isascii() and "{" not in one.prompt + one.explain and "nan" not in one.prompt
    assert [ask(item, seed) for seed in range(3)] == asked[:3]


@every("number")
def test_an_explanation_says_the_unit_of_its_answer_once(item):
    """{answer} comes with its unit, so that a text that adds it says it twice: "2.079 nats nats"."""
    for asked in (drawn(item, seed) for seed in range(3)):
        unit = re.escape(asked.case.unit)
        assert not (unit and re.search(rf"{unit}\s*{unit}", asked.explain)), asked.explain


@every("choice", "several")
def test_the_right_options_are_right_and_every_wrong_one_names_its_misconception(item):
    for seed in range(5):
        asked = ask(item, seed)
        right = [n for n, i in enumerate(asked.order, start=1) if item.options[i].correct]
        assert grade(asked, " ".join(map(str, right))).correct
        for number, index in enumerate(asked.order, start=1):
            option = item.options[index]
            if not option.correct:
                verdict = grade(asked, str(number))
                assert (verdict.correct, verdict.misconception) == (False, option.misconception)
                assert option.why in verdict.why


@every("order")
def test_the_right_order_is_right_and_every_mistake_is_named(item):
    for seed in range(5):
        asked = ask(item, seed)
        assert grade(asked, asked.answer).correct
        for mistake in item.mistakes:
            steps = list(range(len(item.steps)))
            steps.insert(mistake.before - 1, steps.pop(mistake.puts - 1))
            verdict = grade(asked, " ".join(str(asked.order.index(step) + 1) for step in steps))
            assert not verdict.correct and verdict.misconception in {one.misconception for one in item.mistakes}


@every("open")
def test_an_open_item_is_scored_by_its_share(item):
    asked = ask(item, 0)
    assert grade(asked, "all").score == 1.0 and grade(asked, "none").score == 0.0
    assert grade(asked, "1").score == 1 / len(item.key_points)


def test_every_topic_has_a_quiz_and_together_at_least_60_items():
    counts = Counter(item.topic for item in ITEMS)
    assert [topic.name for topic in topics() if not counts[topic.name]] == []
    assert counts.total() >= 60

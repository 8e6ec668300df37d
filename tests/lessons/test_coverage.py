"""The questions of the sources: all are listed, those of finished modules are answered, and what is missing is said."""

from __future__ import annotations

import re

import pytest

from lessons.course import topics
from lessons.coverage import Answer, Question, coverage, questions
from lessons.quiz import all_items

#: Modules whose topics are all written: a question of theirs without an answer fails.
FINISHED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)


def test_the_five_sources_ask_209_questions_and_have_96_other_places():
    asked = [question for question in questions() if question.asked]
    assert (len(asked), len(questions())) == (209, 305)
    assert all(re.fullmatch(r"00[0-4]-[a-z0-9-]+", question.id) and question.ask.isascii() for question in questions())


def test_every_question_that_a_topic_names_is_listed():
    assert {id for topic in topics() for id in topic.questions} <= {question.id for question in questions()}


@pytest.mark.parametrize("module", FINISHED)
def test_a_finished_module_has_no_gap(module):
    gaps = [answer.question.id for answer in coverage() if answer.question.module == module and answer.gap]
    assert gaps == []


def test_without_its_topic_or_its_items_a_question_is_a_gap():
    first = next(answer for answer in coverage() if not answer.gap)
    assert first.topic is not None and first.items and first.steps
    assert {answer.question.id for answer in coverage(()) if answer.gap} == {question.id for question in questions()}
    others = [topic for topic in topics() if topic != first.topic]
    assert next(a for a in coverage(others) if a.question == first.question).gap
    assert Answer(first.question, first.topic, ()).gap


def test_an_answer_names_exactly_the_items_that_train_it():
    for answer in coverage():
        items = [item for item in all_items() if answer.question.id in item.questions]
        assert sorted(item.id for item in answer.items) == sorted(item.id for item in items)


def test_sections_parts_and_repeats_are_not_asked():
    asked = {id: Question(id, "", 1).asked for id in ("003-q12", "003-q12-note", "001-code-8-usage", "000-q02b")}
    assert all(asked.values())
    ids = ("001-tut-02", "002-know-07", "000-q22-part-init", "000-focus-1", "000-q08-repeat")
    assert not any(Question(id, "", 1).asked for id in ids)

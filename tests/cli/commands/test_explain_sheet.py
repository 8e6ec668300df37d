"""What a learner leaves with: the cheat sheet of a module, and the course as a picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as tree
from dataclasses import replace

import pytest

from lessons.cheat_sheet import CLOSING, sheet_of
from lessons.course import find_topic, lesson_of, modules, topics
from lessons.request import Request
from lessons.walk import walk
from tests.lessons.made_up import made_up_course
from tfx.records import Check, Formula, Said, Source, Text
from tfx_cli.render.course_picture import picture_of_course

COURSE = """
[[module]]
number = 1
title = "Numbers"
about = "Counting."
folder = "numbers"
topics = [
  { name = "doubling", folder = "doubling", title = "Doubling", level = 1, minutes = 3, questions = [], after = [] },
  { name = "halving", folder = "halving", title = "Halving", level = 1, minutes = 2, after = ["doubling"] },
]
"""

LESSON = """
import numpy as np
from lessons.writing import Lesson, Said, Source, agree, formula

lesson = Lesson(lambda request: request.seed)

@lesson.step("First")
def first(seed):
    yield "A paragraph that is left out."
    yield formula("y = FACTOR x")
    yield agree("value", "y is FACTOR x", FACTOR * 3.0, 3.0 * FACTOR + WRONG)

@lesson.step("Once more")
def again(seed):
    yield formula("y = FACTOR x")
    yield Said("It is hard.", "false", "It is not.")
    yield Source("Somebody", 1999, "A title")

@lesson.step("Say it in an interview")
def interview(seed):
    yield f"With seed {seed} it is FACTOR times as much."
"""

SHEET = """\
Numbers: the cheat sheet

1.1  Doubling

  y = 2 x

  With seed 4 it is 2 times as much.

  said      "It is hard."
            False: It is not.

  source    Somebody 1999, "A title"
  1 check holds, worst 0

1.2  Halving

  y = 0.5 x

  With seed 4 it is 0.5 times as much.

  said      "It is hard."
            False: It is not.

  source    Somebody 1999, "A title"
  1 check holds, worst 0
"""


def lesson(factor: str, wrong: str = "0") -> str:
    return LESSON.replace("FACTOR", factor).replace("WRONG", wrong)


@pytest.fixture
def course(tmp_path):
    with made_up_course(
        tmp_path / "course", COURSE, {"numbers/doubling": lesson("2"), "numbers/halving": lesson("0.5")}
    ):
        yield


def test_a_sheet_has_formulas_what_to_say_what_is_said_and_sources_once_each(course, tfx):
    ran = tfx("explain", "1", "--lesson", "--seed", "4")
    assert (ran.code, ran.out, ran.err) == (0, SHEET, "")


def test_a_check_that_fails_is_shown_and_fails_the_sheet(tmp_path, tfx):
    lessons = {"numbers/doubling": lesson("2", "1"), "numbers/halving": lesson("0.5")}
    with made_up_course(tmp_path / "course", COURSE, lessons):
        ran = tfx("explain", "1", "--lesson")
    assert ran.code == 1 and "FAIL" in ran.out and "y is 2 x" in ran.out


def test_the_sheet_is_there_for_programs_and_as_a_page(course, tfx, tmp_path):
    ran = tfx("explain", "1", "--lesson", "--json", "--html", str(tmp_path / "sheet.html"))
    document = json.loads(ran.out)
    assert [topic["topic"] for topic in document["topics"]] == ["doubling", "halving"]
    assert len(document["checks"]) == 2 and all(check["holds"] for check in document["checks"])
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "Numbers: the cheat sheet" in page and "With seed 0 it is 0.5 times as much." in page


def test_plain_numbers_each_topic(course, tfx):
    lines = tfx("explain", "1", "--lesson", "--plain").out.splitlines()
    assert [line for line in lines if line.startswith("step")] == ["step\t1.1\tDoubling", "step\t1.2\tHalving"]


def test_a_real_sheet_has_every_formula_and_every_closing_word_of_its_topic():
    topic = find_topic("softmax-jacobian")
    steps = list(walk(topic, Request(None, 0, lesson_of(topic).settings(), False)))
    records = [record for step in steps for record in step.records]
    sheet = sheet_of(topic).records
    for kind in (Formula, Said, Source, Check):
        assert {record for record in sheet if isinstance(record, kind)} == {
            record for record in records if isinstance(record, kind)
        }
    closing = [record for record in steps[-1].records if isinstance(record, Text)]
    assert closing and [record for record in sheet if isinstance(record, Text)] == closing


def test_what_a_sheet_has_no_use_for_is_refused(course, tfx):
    ran = tfx("explain", "1", "--lesson", "--text", "a cat")
    assert ran.code == 2 and ran.err.startswith("tfx: --text needs a topic, and none was named.")


def test_every_topic_ends_with_words_to_say():
    assert [topic.name for topic in topics() if not ends_with_words(topic)] == []


def ends_with_words(topic):
    return topic.name == "notation" or lesson_of(topic).scenes[-1].name == CLOSING


def test_the_course_is_saved_as_a_picture(course, tfx, tmp_path):
    ran = tfx("explain", "--plot", str(tmp_path / "map.svg"))
    assert ran.code == 0 and ran.out.endswith(f"plot saved: {tmp_path / 'map.svg'}\n")
    text = [part.strip() for part in tree.parse(tmp_path / "map.svg").getroot().itertext() if part.strip()]
    assert ["1  Numbers" in text, "Doubling" in text, "Halving" in text, "1.2   2 min" in text] == [True] * 4
    kinds = (tmp_path / "map.svg").read_text(encoding="utf-8")
    again = tfx("explain", "--plot", str(tmp_path / "again.svg"))
    assert again.code == 0 and (tmp_path / "again.svg").read_text(encoding="utf-8") == kinds


def test_each_prerequisite_is_an_arrow(course):
    """One path more in the picture of a course with one prerequisite than of one with none."""
    (module,) = modules()
    loose = replace(module, topics=tuple(replace(topic, after=()) for topic in module.topics))
    drawn, without = (picture_of_course([one], {}, ".svg").count(b"<path") for one in (module, loose))
    assert drawn == without + 2  # the line and its head


def test_a_picture_of_another_kind_is_refused_before_anything_is_made(course, tfx, tmp_path):
    ran = tfx("explain", "--plot", str(tmp_path / "map.txt"))
    assert ran.code == 2 and not (tmp_path / "map.txt").exists()

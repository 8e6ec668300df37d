"""How a lesson is written: steps by name, run when they are shown, each with random numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lessons.request import Request
from lessons.walk import Walk
from lessons.writing import (
    Lesson,
    NoSettings,
    as_record,
    by_hand,
    lines,
    matrix,
    numbered,
    proof,
    question,
    table,
)
from tfx.errors import BadInput
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.records import Code, Column, Text, Try


@dataclass(frozen=True)
class Run:
    request: Request


def asis(link, step):
    return link


def lesson_of(*writes) -> Lesson:
    lesson = Lesson(Run)
    for write in writes:
        lesson.step(write.__name__.replace("_", " "), write)
    return lesson


def walk(lesson: Lesson, seed: int = 0) -> Walk:
    return Walk(lesson, Request(None, seed, NoSettings()), asis)


def first(run):
    yield "One."


def second(run, rng):
    yield f"{rng.standard_normal():.6f}"


def third(run, rng):
    yield f"{rng.standard_normal():.6f}"


def broken(run):
    yield "Before."
    raise ArithmeticError("this step is broken")


def texts(steps) -> dict[str, str]:
    return {step.name: step.records[0].text for step in steps}


def test_a_step_shows_its_own_numbers_wherever_it_stands_and_whatever_ran_before():
    forward, backward = walk(lesson_of(first, second, third)), walk(lesson_of(third, second, first))
    alone = walk(lesson_of(first, second, third))[1]
    assert texts(forward) == texts(backward)
    assert texts([alone])["second"] == texts(forward)["second"]
    assert texts(forward)["second"] != texts(forward)["third"], "two steps share no random numbers"
    assert texts(walk(lesson_of(second), seed=1)) != texts(walk(lesson_of(second), seed=0))


def test_a_step_is_run_when_it_is_shown_and_once():
    ran = []

    def counted(run):
        ran.append("counted")
        yield "One."

    steps = walk(lesson_of(first, counted, broken))
    assert len(steps) == 3 and steps.names == ("first", "counted", "broken") and ran == []
    assert steps[0].name == "first" and not steps.was_shown(1)
    assert steps[1] is steps[1] and ran == ["counted"]
    with pytest.raises(ArithmeticError):
        steps[2]


def test_a_step_is_found_by_name_or_by_number_from_1():
    steps = walk(lesson_of(first, second, third))
    assert [steps.place(word) for word in ("1", "3", "second", "Third", " second ")] == [0, 2, 1, 2, 1]
    for word in ("0", "4", "\u0663", "fourth", "", "-1"):
        with pytest.raises(BadInput):
            steps.place(word)


def test_a_step_that_does_not_apply_is_left_out_and_renames_no_other():
    lesson = Lesson(Run)
    lesson.step("a", first)
    lesson.step("b", second, when=lambda run: run.request.seed > 0)
    lesson.step("c", third)
    assert walk(lesson, 0).names == ("first", "third") and walk(lesson, 1).names == ("first", "second", "third")
    assert texts(walk(lesson, 1))["third"] == texts(walk(lesson_of(third), 1))["third"]


def test_two_steps_of_one_name_are_refused():
    lesson = lesson_of(first)
    with pytest.raises(ValueError, match="two steps are called first"):
        lesson.step("again", first)
    lesson.step("again", first, name="again")


def test_strings_are_paragraphs_functions_are_code_and_suggestions_stand_apart():
    def written(run):
        yield "A paragraph."
        yield softmax_forward
        yield Try("tfx quiz")

    step = walk(lesson_of(written))[0]
    assert step.records == (Text("A paragraph."), Code(softmax_forward))
    assert step.what_if == ("tfx quiz",) and step.title == "written"
    with pytest.raises(TypeError, match="not int"):
        as_record(3)


def test_labels_of_a_table_say_unit_and_digits():
    shown = table("T", [{"a": 1}], a="d_k", b="raw < 0.01 [share] :2", c="ratio a:b", d="seconds [s]")
    assert shown.columns == (
        Column("a", "d_k"),
        Column("b", "raw < 0.01", "share", 2),
        Column("c", "ratio a:b"),
        Column("d", "seconds", "s"),
    )


def test_a_vector_is_one_row_and_labels_count_from_1():
    shown = matrix("v", np.arange(3.0), "row, key")
    assert shown.rows == ("1",) and shown.cols == ("1", "2", "3") and shown.axes == ("row", "key")
    assert numbered(2, "k") == ("k1", "k2")


def test_a_dot_product_is_written_out():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 4.0])
    assert by_hand(a, b) == "(1.00)(0.50) + (2.00)(-1.00) + (3.00)(4.00)"
    assert by_hand(a, b, shown=1) == "(1.00)(0.50) + ..."


def test_curves_are_points_or_functions():
    law, points = lines([1.0, 2.0], the_law=lambda x: x * x, points=[3.0, 4.0])
    assert law.label == "the law" and law.y == [1.0, 4.0] and points.y == [3.0, 4.0]


def test_a_wrong_gradient_is_no_proof():
    x = np.random.default_rng(0).standard_normal((2, 3))
    assert proof("softmax", softmax_forward, softmax_backward, {"x": x}).holds
    wrong = proof("softmax", softmax_forward, lambda dy, cache: -softmax_backward(dy, cache), {"x": x})
    assert not wrong.holds and wrong.measured > 1


def test_a_question_has_a_number():
    assert question("How many?", np.float64(3), "Count.").answer == 3.0

"""Verdicts: right or wrong, the misconception behind it, and why."""

from __future__ import annotations

import math
import random

import pytest

from lessons.answers import Unreadable
from lessons.course import ROOT
from lessons.grading import ask, grade, is_close, item_seed, show_number
from lessons.quiz import read_items

FOLDER = ROOT / "attention" / "scaling_variance"
ITEMS = {
    item.id.partition("/")[2]: item
    for item in read_items(FOLDER / "quiz.toml", "scaling-variance", "lessons.attention.scaling_variance")
}


def test_the_example_of_the_course_names_variance_for_deviation():
    asked = ask(ITEMS["std-of-score"], 0)
    d = asked.case.values["d"]
    verdict = grade(asked, str(d))
    assert (verdict.correct, verdict.misconception) == (False, "variance for deviation")
    assert str(d) in verdict.why
    assert grade(asked, f"sqrt({d})").correct


def test_a_wrong_number_that_no_misconception_gives_is_wrong_without_a_name():
    verdict = grade(ask(ITEMS["std-of-score"], 0), "12345")
    assert (verdict.correct, verdict.misconception, verdict.why) == (False, "", "")


def test_the_nearest_misconception_is_named():
    asked = next(asked for seed in range(50) if len((asked := ask(ITEMS["weight-of-two"], seed)).case.wrong) == 3)
    assert grade(asked, "1").misconception == "weight proportional to score"
    unscaled = 1 / (1 + math.exp(-float(asked.case.values["raw"])))
    assert grade(asked, f"{unscaled:.2f}").misconception == "no scaling"


def test_a_wrong_shape_names_the_axis_that_went_wrong():
    asked = ask(ITEMS["shape-after-scaling"], 3)
    b, h, t, s = asked.case.answer
    assert grade(asked, f"{b}x{h}x{t}x{s}").correct
    assert grade(asked, f"({b}, {h}, {s}, {t})").misconception == "keys as rows"


def test_an_option_left_out_is_told():
    item = ITEMS["assumptions"]
    asked = ask(item, 0)
    right = [n for n, i in enumerate(asked.order, start=1) if item.options[i].correct]
    verdict = grade(asked, " ".join(map(str, right[1:])))
    assert not verdict.correct and verdict.misconception == ""
    assert f"Left out: {right[0]}: {asked.choices[right[0] - 1]}" in verdict.why


def test_the_order_of_picks_does_not_matter_where_no_order_is_asked():
    item = ITEMS["assumptions"]
    asked = ask(item, 0)
    right = [str(n) for n, i in enumerate(asked.order, start=1) if item.options[i].correct]
    assert grade(asked, " ".join(reversed(right))).correct


def test_a_root_taken_too_early_is_recognised_in_any_order_that_has_it():
    item = ITEMS["derivation-order"]
    asked = ask(item, 1)
    place = {step: asked.order.index(step) + 1 for step in range(5)}
    verdict = grade(asked, " ".join(str(place[step]) for step in (0, 1, 3, 2, 4)))
    assert verdict.misconception == "adding deviations"


def test_a_choice_takes_exactly_one_and_an_order_takes_all():
    with pytest.raises(Unreadable, match="exactly one"):
        grade(ask(ITEMS["what-saturates"], 0), "1 2")
    with pytest.raises(Unreadable, match="all 5 steps"):
        grade(ask(ITEMS["derivation-order"], 0), "1 2 3")


def test_an_open_answer_is_right_from_three_quarters_of_its_points():
    asked = ask(ITEMS["say-it"], 0)
    scores = {said: grade(asked, " ".join(str(n + 1) for n in range(said)) or "none") for said in range(7)}
    assert [said for said, verdict in scores.items() if verdict.correct] == [5, 6]
    assert scores[3].score == 0.5 and scores[3].why == "Not said: 4, 5, 6."


def test_equal_seeds_ask_equal_questions_and_other_seeds_others():
    for item in ITEMS.values():
        assert ask(item, 5) == ask(item, 5)
    assert len({ask(ITEMS["std-of-score"], seed).prompt for seed in range(20)}) > 3
    assert len({ask(ITEMS["what-saturates"], seed).choices for seed in range(20)}) > 3


def test_asking_leaves_the_global_generator_alone():
    random.seed(1)
    before = random.getstate()
    for item in ITEMS.values():
        ask(item, 3)
    assert random.getstate() == before


def test_steps_are_never_shown_in_the_right_order():
    assert all(ask(ITEMS["derivation-order"], seed).order != (0, 1, 2, 3, 4) for seed in range(2000))


def test_items_of_one_round_draw_from_seeds_of_their_own():
    assert item_seed(1, "a/b") == item_seed(1, "a/b")
    assert len({item_seed(seed, name) for seed in range(20) for name in ("a/b", "a/c")}) == 40


def test_tolerance_is_relative_and_zero_forgives_only_rounding():
    assert is_close(10.1, 10.0, 0.01) and not is_close(10.2, 10.0, 0.01)
    assert is_close(1 / 3 * 3, 1.0, 0.0) and not is_close(1.000001, 1.0, 0.0)
    assert is_close(0.005, 0.0, 0.01) and not is_close(0.02, 0.0, 0.01)


def test_numbers_are_shown_with_four_digits_and_whole_ones_in_full():
    assert [show_number(x) for x in (11.3137, 128.0, 1234567.0, 0.000123456)] == [
        "11.31",
        "128",
        "1234567",
        "0.0001235",
    ]

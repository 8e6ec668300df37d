"""`@told_apart` draws until each mistake gives a number of its own."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.quiz import BadCourseFile, NumberCase, ShapeCase, Wrong
from lessons.telling_apart import is_told_apart, told_apart
from tests.quiz.faulty_topic import numbers


def case(answer: float, *wrong: float, tolerance: float = 0.01) -> NumberCase:
    return NumberCase({}, answer, tuple(Wrong(value, "a mistake", "why") for value in wrong), tolerance)


@pytest.mark.parametrize("compute", [numbers.coinciding, numbers.right_by_mistake])
def test_drawings_in_which_two_values_fall_together_are_drawn_again(compute):
    plain = [compute(np.random.default_rng(seed)) for seed in range(40)]
    apart = [told_apart(compute)(np.random.default_rng(seed)) for seed in range(40)]
    assert not all(map(is_told_apart, plain)) and all(map(is_told_apart, apart))
    kept = [(one, other) for one, other in zip(plain, apart, strict=True) if is_told_apart(one)]
    assert kept and all(one == other for one, other in kept)


def test_equal_generators_give_equal_drawings_and_the_function_keeps_its_name():
    compute = told_apart(numbers.coinciding)
    assert compute(np.random.default_rng(5)) == compute(np.random.default_rng(5))
    assert compute.__name__ == "coinciding"


def test_an_item_whose_mistakes_never_differ_is_refused_by_name():
    with pytest.raises(
        BadCourseFile, match="same_shape: in none of 1000 drawings do its mistakes give different numbers"
    ):
        told_apart(numbers.same_shape)(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("one", "apart"),
    [
        (case(1.0, 2.0, 3.0), True),
        (case(1.0, 1.03), True),
        (case(1.0, 1.015), False),
        (case(2.0, 1.0, -1.0), True),
        (case(2.0, 1.0, 1.015), False),
        (case(2.0, 0.0, 0.015), False),  # 0.01 is within 0.01 of 0 and a reader may mean either
        (case(2.0, 0.0, 0.05), True),
        (case(1e6, 1e6 + 1, tolerance=0.0), True),
        (ShapeCase({}, (2, 3), (Wrong((3, 2), "m", "why"),)), True),
        (ShapeCase({}, (2, 3), (Wrong((2, 3), "m", "why"),)), False),
        (ShapeCase({}, (2, 3), (Wrong((3, 2), "m", "why"), Wrong((3, 2), "n", "why"))), False),
    ],
)
def test_values_are_apart_when_no_typed_answer_is_near_two_of_them(one, apart):
    assert is_told_apart(one) is apart

"""What a learner may type, and that nothing typed is executed."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.answers import Unreadable, read_number, read_picks, read_shape


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("11.3", 11.3),
        (" 1/8 ", 0.125),
        ("1e-3", 1e-3),
        ("sqrt(128)", math.sqrt(128)),
        ("SQRT(2) * 8", 8 * math.sqrt(2)),
        ("128**0.5", math.sqrt(128)),
        ("2^10", 1024.0),
        ("-(3 - 1)", -2.0),
        ("12.5%", 0.125),
        ("exp(1)/e", 1.0),
        ("ln(e)", 1.0),
        ("64 bytes", 64.0),
        ("1_000", 1000.0),
    ],
)
def test_numbers_and_simple_expressions_are_read(text, value):
    assert read_number(text, unit="bytes") == pytest.approx(value)


@pytest.mark.parametrize("text", ["0,5", "1,000", "sqrt(2,5)"])
def test_a_comma_gets_a_kind_word_about_decimal_points(text):
    with pytest.raises(Unreadable, match="decimal point, not a comma"):
        read_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "twelve", "1 2", "__import__('os')", "open('x')", "().__class__", "[1][0]", "lambda: 1", "True",
        "1if 1else 2", "sqrt", "sqrt()", "sqrt(-1)", "(-1)**0.5", "sqrt(x=1)", "1/0", "9**9**9", "1e400", "-1e400",
        "exp(1e9)", "log(0)", "'1'", "1;2", "a:=1", "((((((((((", "(" * 99, "1" * 101, "\x00", "2j", "1 if 1 else 2",
        "{1}", "f'{1}'", "1 < 2", "nan", "inf", "%", "7//2", "~1", "0x", "\u0661",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_never_executed(text):
    with pytest.raises(Unreadable):
        read_number(text)


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_readers(text):
    for read in (read_number, read_shape, lambda typed: read_picks(typed, 5)):
        with contextlib.suppress(Unreadable):  # the only exception that may come
            read(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_by_python_is_read_back(value):
    assert read_number(repr(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "(2, 4, 5, 5)",
        "[2,4,5,5]",
        "2 4 5 5",
        "2x4x5x5",
        "2 x 4 x 5 x 5",
        "(2,4,5,5,)",
        "2*4*5*5",
        "2\u00d74\u00d75\u00d75",
    ],
)
def test_a_shape_may_be_written_in_many_ways(text):
    assert read_shape(text) == (2, 4, 5, 5)


def test_the_empty_shape_needs_its_brackets():
    assert read_shape("()") == ()
    with pytest.raises(Unreadable):
        read_shape("")


@pytest.mark.parametrize("text", ["(2, T)", "2.5 3", "-1 2", "two", "(2, ?)"])
def test_a_shape_of_anything_but_whole_numbers_is_refused(text):
    with pytest.raises(Unreadable, match="whole numbers"):
        read_shape(text)


@pytest.mark.parametrize(
    ("text", "picks"),
    [("1 3", (0, 2)), ("1,3", (0, 2)), ("13", (0, 2)), ("3 1 2", (2, 0, 1)), ("a c", (0, 2)), ("none", ()), ("0", ()),
     ("all", (0, 1, 2)), ("2.", (1,)), ("B", (1,))],
)  # fmt: skip
def test_choices_are_picked_by_number_or_letter(text, picks):
    assert read_picks(text, 3) == picks


@pytest.mark.parametrize("text", ["4", "1 4", "1 1", "d", "first", "", "-1", "1.5"])
def test_a_choice_that_is_not_there_is_refused(text):
    with pytest.raises(Unreadable):
        read_picks(text, 3)

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
        "{1}", "f'{1}'", "1 < 2", "nan", "inf", "%", "7//2", "~~1", "0x", "\u0661",
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


#: What a student types or pastes, and what a teacher would understand; None for what is no answer.
TYPED_NUMBERS = [
    ("8", 8.0), ("8.0", 8.0), ("+8", 8.0), ("= 8", 8.0), ("x = 0.5", 0.5), ("std = sqrt(64) = 8", 8.0),
    ("x=-0.15", -0.15), ("\u22120.15", -0.15), ("\u2013 0.15", -0.15), ("2\u00d73", 6.0), ("2 x 3", 6.0),
    ("512x512x32", 512 * 512 * 32.0), ("2\u00b73", 6.0), ("6\u00f73", 2.0), ("2\u00b9\u2070", 1024.0),
    ("2^10", 1024.0), ("2**10", 1024.0), ("\u221a64", 8.0), ("\u221a(64)", 8.0), ("2*pi", 2 * math.pi),
    ("\u03c0", math.pi), ("e^2", math.e**2), ("exp(-1)", math.exp(-1)), ("tanh(-1)+2*tanh(-1)", 3 * math.tanh(-1)),
    ("sigmoid(0)", 0.5), ("relu(-3)", 0.0), ("abs(-3)", 3.0), ("log10(1000)", 3.0), ("math.sqrt(2)", math.sqrt(2)),
    ("np.exp(1)", math.e), ("numpy.sqrt(4)", 2.0), ("tensor(0.5)", 0.5), ("np.float64(0.5)", 0.5),
    ("torch.tensor(0.25)", 0.25), ("~ 0.93", 0.93), ("about 0.93", 0.93), ("approx. 0.93", 0.93),
    ("\u22480.93", 0.93), ("93%", 0.93), ("93 %", 0.93), ("1/8", 0.125), ("1 / 8", 0.125), ("1e-3", 1e-3),
    ("1E-3", 1e-3), (".5", 0.5), ("5.", 5.0), ("1_000", 1000.0), ("(1+2)*3", 9.0), ("-(1/8)", -0.125),
    ("1/sqrt(64)", 0.125), ("8 bytes", 8.0), ("8 B", 8.0), ("32 MiB", 32 * 2.0**20), ("32MiB", 32 * 2.0**20),
    ("1.5 GB", 1.5e9), ("2 kB", 2000.0), ("512*512*32*4 bytes", 2.0**25), ("eight", None), ("", None), ("?", None),
    ("0,5", None), ("1,000", None), ("8 apples", None), ("8 ms", None), ("idk", None), ("sqrt", None),
    ("8 or 9", None), ("8..9", None), ("==", None), ("x =", None), ("sqrt(-1)", None), ("1/0", None), ]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), TYPED_NUMBERS)
def test_what_people_type_for_a_number_is_read_as_a_teacher_would(text, value):
    if value is None:
        with pytest.raises(Unreadable):
            read_number(text, unit="bytes")
    else:
        assert read_number(text, unit="bytes") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [("0.5 ms", "s", 5e-4), ("0.5ms", "us", 500.0), ("2 s", "ms", 2000.0), ("3 ms", "ms", 3.0), ("8 nats", "nats", 8.0),
     ("250 us", "ms", 0.25), ("1 GiB", "MiB", 1024.0)],
)  # fmt: skip
def test_a_unit_is_turned_into_the_one_that_was_asked_for(text, unit, value):
    assert read_number(text, unit) == pytest.approx(value, rel=1e-12)


def test_a_unit_of_something_else_is_no_answer_and_the_message_says_why():
    with pytest.raises(Unreadable, match=r"asked for in s, not in mib"):
        read_number("3 MiB", "s")
    with pytest.raises(Unreadable, match=r"has no unit here, not in ms"):
        read_number("3 ms")


@pytest.mark.parametrize(
    "text", ["torch.Size([2, 4])", "Size([2, 4])", "shape (2, 4)", "shape = (2, 4)", "x.shape = (2, 4)",
    "The shape is (2, 4).", "2 by 4", "2 and 4", "[2 4]", "(2;4)", "2\u00d74", "np.shape: (2, 4)",
    "tuple = (2,4)"], )  # fmt: skip
def test_a_shape_may_be_pasted(text):
    assert read_shape(text) == (2, 4)


@pytest.mark.parametrize(
    ("text", "picks"), [("1)", (0,)), ("(1)", (0,)), ("a and c", (0, 2)), ("A, C", (0, 2)), ("1 & 3", (0, 2)),
    ("3 -> 1 -> 2", (2, 0, 1)), ("3-1-2", (2, 0, 1)), ("option 2", (1,)), ("answer: b", (1,)), ("1. 3.", (0, 2)),
    ("1) 3)", (0, 2)), ("#2", (1,)), ("3, then 1, then 2", (2, 0, 1)), ("[1, 2]", (0, 1)),
    ("1, 3,", (0, 2)), ("1 3;", (0, 2))], )  # fmt: skip
def test_choices_as_people_write_them(text, picks):
    assert read_picks(text, 3) == picks


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


@pytest.mark.parametrize("text", ["4", "1 4", "1 1", "d", "first", "", "-1", "1.5", ",", ", 1"])
def test_a_choice_that_is_not_there_is_refused(text):
    with pytest.raises(Unreadable):
        read_picks(text, 3)


@pytest.mark.parametrize("text", ["0x10", "0b1", "0o7", "0xff", "1#2", "1\\\n+1", "2;3"])
def test_numbers_as_programs_write_them_are_no_answer(text):
    with pytest.raises(Unreadable):
        read_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1\u20448", 0.125), ("\uff10.\uff15", 0.5), ("0.25\u200b", 0.25), ("\ufeff4", 4.0), ("007", 7.0), ("0.5", 0.5)],
)
def test_numbers_that_were_copied_are_read(text, value):
    assert read_number(text) == value

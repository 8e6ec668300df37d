"""Numbers from outside: what fits is passed on, what does not is named."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from tfx.arguments import number, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_whole_number_of_any_integer_type_is_passed_on_as_an_int(value):
    found = whole_number("rank", value, 1)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [2.5, 2.0, "2", None, [2], np.float32(2)])
def test_what_is_not_whole_is_a_type_error_with_its_name(value):
    with pytest.raises(TypeError, match=re.escape(f"rank must be a whole number, not {value!r}")):
        whole_number("rank", value)


def test_a_whole_number_below_the_least_is_a_value_error_and_the_least_is_not():
    assert whole_number("rank", 1, 1) == 1
    assert whole_number("rank", -5) == -5
    with pytest.raises(ValueError, match=r"rank must be at least 1, not 0"):
        whole_number("rank", 0, 1)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), 1])
def test_a_number_within_its_limits_is_passed_on_as_a_float(value):
    found = number("rate", value, 0, 1)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("value", ["0.5", b"1", None, [1.0], 1j])
def test_what_is_no_number_is_a_type_error_with_its_name(value):
    with pytest.raises(TypeError, match=re.escape(f"rate must be a number, not {value!r}")):
        number("rate", value)


@pytest.mark.parametrize("value", [math.nan, np.float32(math.nan), math.inf, -math.inf])
def test_nan_and_infinity_fit_nowhere(value):
    with pytest.raises(ValueError, match="rate must be finite"):
        number("rate", value)


@pytest.mark.parametrize(
    ("limits", "value", "message"),
    [
        ({"least": 0.0}, -1e-9, "rate must be at least 0, not -1e-09"),
        ({"least": 0.0, "below": 1.0}, 1.0, "rate must be at least 0 and below 1, not 1.0"),
        ({"above": 0.0}, 0.0, "rate must be above 0, not 0.0"),
        ({"least": 0.0, "most": 1.0}, 1.5, "rate must be at least 0 and at most 1, not 1.5"),
        ({}, math.nan, "rate must be finite, not nan"),
    ],
)
def test_the_message_says_which_limit_was_crossed(limits, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        number("rate", value, **limits)


def test_the_limits_themselves_fit_where_they_are_included():
    assert number("rate", 0, 0, 1) == 0
    assert number("rate", 1, 0, 1) == 1

"""Conditions that inputs have to meet together: a wrong answer may be right for each of them alone."""

from __future__ import annotations

import inspect
from itertools import combinations

import numpy as np
import pytest

from lessons.practice.exercise import exercises

EACH = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda one: one.name)


def options_off(exercise, case) -> set[str]:
    """Names of the options that are not at their defaults."""
    parameters = inspect.signature(exercise.given_stub).parameters
    return {
        name for name, value in case.arguments.items()
        if (default := parameters[name].default) is not inspect.Parameter.empty
        and (isinstance(value, np.ndarray) or not (value is default or value == default))
    }  # fmt: skip


def options(exercise) -> list[str]:
    parameters = inspect.signature(exercise.given_stub).parameters.items()
    return [name for name, one in parameters if one.default is not inspect.Parameter.empty]


def in_float32(case) -> bool:
    return any(isinstance(one, np.ndarray) and one.dtype == np.float32 for one in case.arguments.values())


@EACH
def test_every_two_options_are_off_their_defaults_together(exercise):
    found = {pair for case in exercise.cases for pair in combinations(sorted(options_off(exercise, case)), 2)}
    assert set(combinations(sorted(options(exercise)), 2)) <= found


@EACH
def test_every_option_is_off_its_default_in_float32_too(exercise):
    cases = [case for case in exercise.cases if in_float32(case)]
    missing = set(options(exercise)) - {name for case in cases for name in options_off(exercise, case)}
    assert not cases or not missing

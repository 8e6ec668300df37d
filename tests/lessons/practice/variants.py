"""Functions that are right but for one thing, and what has to be said of them."""

from __future__ import annotations

import numpy as np

from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.judging import judge
from lessons.practice.trying import try_all

#: kinds of verdicts about what a function gives, or does besides
SEEN = ("type", "shape", "not finite", "values", "changed", "shared", "again", "dtype")


def verdict_on(name, function):
    exercise = find_exercise(name)
    return judge(exercise, try_all(function, [case.arguments for case in exercise.cases]))


def right(name, a):
    return find_exercise(name).right(**a)


def bent(name, how, when=lambda a: True, place=0):
    """The right function, whose result `place` becomes how(result, arguments) where when(arguments) holds."""

    def function(**a):
        found = right(name, a)
        if not when(a):
            return found
        if not isinstance(found, tuple):
            return how(np.array(found), a)
        return tuple(how(np.array(one), a) if at == place else one for at, one in enumerate(found))

    return function


def asked(name, how, when=lambda a: True):
    """The right function, asked with how(arguments) in the place of some of its arguments, where when(arguments)."""
    return lambda **a: right(name, a | (how(a) if when(a) else {}))


def mistaken(name, mistake, when):
    """A mistake of the bank, made where when(arguments) holds."""
    wrong = next(one.function for one in exercises()[name].mistakes if one.id == f"{name}/{mistake}")
    return lambda **a: wrong(**a) if when(a) else right(name, a)


def writing(name, argument):
    def function(**a):
        found = right(name, a)
        found = tuple(map(np.array, found)) if isinstance(found, tuple) else np.array(found)
        if isinstance(a.get(argument), np.ndarray):
            a[argument].flat[:1] = 2 * a[argument].flat[:1] + 1
        return found

    return function


def has(name):
    return lambda a: a.get(name) is not None


def with_numbers(name, how):
    """The right function, asked with how(array) in the place of each array of floats."""

    def function(**a):
        floats = {k: how(v) for k, v in a.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
        return right(name, a | floats)

    return function


def passes(name, function):
    verdict = verdict_on(name, function)
    assert verdict.passed, (verdict.says, verdict.evidence)


def is_told_as_wrong_without_a_name(name, function):
    verdict = verdict_on(name, function)
    assert verdict.kind in SEEN, verdict.says
    assert verdict.mistake is None and verdict.candidates == (), verdict.mistake

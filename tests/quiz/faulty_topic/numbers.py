"""Computed items with one fault each, and one without, for the tests of the linter."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong


def sound(rng: np.random.Generator) -> NumberCase:
    n = int(rng.integers(3, 40))
    wrong = (Wrong(float(n), "one copy", "There are two of them."), Wrong(float(n * n), "squared", "Twice is meant."))
    return NumberCase({"n": n}, 2.0 * n, wrong, 0.01)


def sound_shape(rng: np.random.Generator) -> ShapeCase:
    t, s = (int(n) for n in rng.permutation([3, 4, 5, 6])[:2])
    return ShapeCase({"t": t, "s": s}, (t, s), (Wrong((s, t), "keys as rows", "Queries are the rows."),))


def coinciding(rng: np.random.Generator) -> NumberCase:
    """For n = 4 both mistakes give 16."""
    n = int(rng.integers(3, 6))
    wrong = (Wrong(4.0 * n, "four for two", "Twice is meant."), Wrong(float(n * n), "squared", "Twice is meant."))
    return NumberCase({"n": n}, 2.0 * n, wrong, 0.01)


def right_by_mistake(rng: np.random.Generator) -> NumberCase:
    """For n = 2 the square is the double."""
    n = int(rng.integers(2, 5))
    return NumberCase({"n": n}, 2.0 * n, (Wrong(float(n * n), "squared", "Twice is meant."),), 0.01)


def never_drawn(rng: np.random.Generator) -> NumberCase:
    n = int(rng.integers(3, 40))
    wrong = (
        Wrong(float(n), "one copy", "There are two of them."),
        Wrong(-1.0, "negative count", "A count has no sign."),
    )
    return NumberCase({"n": n}, 2.0 * n, wrong if n > 1000 else wrong[:1], 0.01)


def hiding(rng: np.random.Generator) -> NumberCase:
    """The factor is drawn and not shown."""
    n, factor = int(rng.integers(3, 9)), int(rng.integers(2, 5))
    return NumberCase({"n": n}, float(factor * n), (Wrong(float(n), "one copy", "There are more of them."),), 0.01)


def unused(rng: np.random.Generator) -> NumberCase:
    case = sound(rng)
    return NumberCase({**case.values, "colour": "red"}, case.answer, case.wrong, case.tolerance)


def constant(rng: np.random.Generator) -> NumberCase:
    n = int(rng.integers(3, 40))
    return NumberCase({"n": n}, 2.0, (Wrong(float(n), "its number", "It is two whatever they are."),), 0.01)


def same_question(rng: np.random.Generator) -> NumberCase:
    return NumberCase({"n": 7}, 14.0, (Wrong(7.0, "one copy", "There are two of them."),), 0.01)


def in_bytes(rng: np.random.Generator) -> NumberCase:
    case = sound(rng)
    return NumberCase(case.values, case.answer, case.wrong, case.tolerance, unit="bytes")


def same_shape(rng: np.random.Generator) -> ShapeCase:
    case = sound_shape(rng)
    twin = Wrong(case.wrong[0].value, "transposed", "Nothing is transposed here.")
    return ShapeCase(case.values, case.answer, (*case.wrong, twin))

"""Every value of a factor meets every value of every other one, in far fewer rows than there are combinations."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from lessons.practice.crossing import crossed

FACTORS = [
    {"": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"": 1, "f": 2, "g": 3, "h": 4}, {"": False, "k": True},
    {"": 0, "m": 1, "n": 2}, {"o": 0, "p": 1, "q": 2},
]  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 5])
def test_every_two_values_meet(n):
    factors = FACTORS[:n]
    rows = [values for _, values in crossed(*factors)]
    for i, j in combinations(range(n), 2):
        assert {(row[i], row[j]) for row in rows} == set(product(factors[i].values(), factors[j].values()))
    assert len(rows) <= 28 and len(set(rows)) == len(rows)


def test_the_words_are_those_of_the_values_and_what_is_usual_has_none():
    rows = dict(crossed({"": 1, "large": 2}, {"": 3, "float32": 4}))
    assert rows == {
        "mixed: all as usual": (1, 3),
        "mixed: float32": (1, 4),
        "mixed: large": (2, 3),
        "mixed: large, float32": (2, 4),
    }


def test_it_is_the_same_every_time():
    assert list(crossed(*FACTORS)) == list(crossed(*FACTORS))

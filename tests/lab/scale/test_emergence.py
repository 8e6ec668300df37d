"""Emergence as an effect of the score: what breaks each check, and the extremes."""

import math

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.scale import emergence

PLACE = "tfx.lab.scale.emergence"
SMALL = emergence.Settings(answers=400)

BREAKS = Table(
    SMALL,
    Broken("answers of one token", {"nothing", "late"}, length=1),
    Broken(
        "a law of another length",
        {"law"},
        planted={f"{PLACE}.expected_exact_match": lambda original: lambda p, n: original(p, 2 * n)},
    ),
    Broken(
        "small models that know nothing",
        {"smooth"},
        planted={f"{PLACE}.chance_of_a_token": lambda original: lambda n, e: original(n, e) ** 3},
    ),
)


def test_all_slips_or_none():
    assert emergence.chance_of_a_token(1e6, 0.3) == math.exp(-1)
    assert emergence.chance_of_a_token(1e80, 0.3) == 1.0


def test_how_much_is_there_before_exact_match():
    assert emergence.already_there([0.0, 50.0, 100.0], [0.0, 1.0, 90.0]) == 0.5
    assert emergence.already_there([0.0, 50.0, 100.0], [9.0, 50.0, 90.0]) == 0.0


def test_both_scores_are_of_the_same_draws():
    for row in frame.run(emergence, SMALL).rows:
        assert row["exact"] <= row["token"]

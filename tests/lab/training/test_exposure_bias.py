"""A model that reads itself: the law of independent mistakes, and checks that notice what is taken from them."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import exposure_bias

PLACE = "tfx.lab.training.exposure_bias"

BREAKS = Table(
    exposure_bias.Settings(steps=(12, 30), letters=20, given=2, length=12, seeds=4),
    Broken("a first letter that was not given the same", {"first-letter"}, row=lambda row: {**row, "first": 0.05}),
    Broken(
        "another text written",
        {"unbroken"},
        {f"{PLACE}.greedy": lambda o: lambda *asked: o(*asked)[:, ::-1]},
    ),
    Broken("no mistakes", {"gap"}, steps=(40, 45)),
    Broken("mistakes that cost half", {"adds-up"}, row=times(2, "free")),
    Broken("no model without a mistake", {"no-mistake-no-gap"}, steps=(12, 13)),
)


def test_all_checks_hold():
    found = frame.run(exposure_bias, exposure_bias.Settings(), 1, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_a_text_is_the_alphabet_from_a_letter_on():
    assert exposure_bias.texts(np.array([3, 1, 0, 2]), np.array([1, 3]), 3).tolist() == [[1, 0, 2], [2, 3, 1]]


def test_the_law_of_fixed_letters_is_that_of_drawing_without_putting_back():
    """10 letters, 2 of them wrong, 4 in a row: all 10 places where a text may begin, and all pairs of wrong letters."""
    pairs = [(a, b) for a in range(10) for b in range(a)]
    clean = [not {(start + i) % 10 for i in range(4)} & set(pair) for pair in pairs for start in range(10)]
    assert exposure_bias.fixed_law(0.8, 10, 4) == pytest.approx(np.mean(clean))
    assert exposure_bias.fixed_law(1.0, 10, 4) == 1 and exposure_bias.fixed_law(0.3, 10, 4) == 0


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(exposure_bias)
    first = found.rows[0]
    forced, free = np.array(first["forced_by_seed"]), np.array(first["free_by_seed"])
    assert found.notes[0].text == (
        f"A model that is right in {forced.mean():.1%} of places with the truth before them has its own letter 12 "
        f"right in {free.mean():.0%} of texts, where (1 - e)^t says {(forced**12).mean():.0%}."
    )
    assert found.question.answer == pytest.approx(free.mean())
    change = np.array(found.rows[1]["free_by_seed"]) - free
    half = 3.1824 * change.std(ddof=1) / 2
    verdict = (
        "no difference told" if abs(change.mean()) < half else "it helps" if change.mean() > 0 else "it does worse"
    )
    assert f"changes that by {change.mean():+.3f} (" in found.notes[1].text and f"4 seeds): {verdict}" in (
        found.notes[1].text
    )
    assert found.plots[0].title == (
        f"Reading the truth {forced.mean():.0%} are right at every place; reading itself, {free.mean():.0%} "
        "at letter 12"
    )
    assert first["by_place"][-1] == pytest.approx(free.mean()) and len(first["by_place"]) == 12


def test_without_any_mistake_nothing_is_said_to_add_up():
    rows = [{"way": "truth", "forced_by_seed": [0.9, 0.8], "free_by_seed": [0.5, 0.4], "law_by_seed": [0.5, 0.4]}]
    rows[0] |= {"first": 0.0, "unbroken": 0.0, "fixed_law": 0.1, "law": 0.4, "free": 0.4}
    verdict = {check.id: check for check in exposure_bias.checks(frame.Run(exposure_bias.Settings(), rows=rows))}
    assert math.isnan(verdict["no-mistake-no-gap"].measured) and not verdict["no-mistake-no-gap"].holds


def test_a_text_longer_than_the_alphabet_is_refused():
    with pytest.raises(BadInput, match="3 letters and 25 more are more than 20"):
        frame.run(exposure_bias, exposure_bias.Settings(letters=20), 0)

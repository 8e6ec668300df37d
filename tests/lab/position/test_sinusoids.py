"""A shift is one fixed rotation of sinusoidal codes, and the low dimensions are the quick ones."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.position import sinusoids

PLACE = "tfx.lab.position.sinusoids"
SMALL = sinusoids.Settings(width=64, positions=200, shifts=(1, 7, 50), pairs=4)

BREAKS = Table(
    SMALL,
    Broken("a learned table before training", {"shift", "wavelength", "changes", "slower"}, table="random"),
    Broken("two hands", {"apart"}, width=4, positions=1000),
    Broken("all hands at one speed", {"slower", "apart"}, base=1.0),
    Broken(
        "a shift too far",
        {"shift"},
        planted={f"{PLACE}.sinusoidal_rotation": lambda o: lambda shift, *rest, **named: o(shift + 1, *rest, **named)},
    ),
    Broken(
        "turned the other way",
        {"shift"},
        planted={f"{PLACE}.sinusoidal_rotation": lambda o: lambda shift, *rest, **named: o(-shift, *rest, **named)},
    ),
    Broken("half a turn for a whole one", {"wavelength"}, row=times(0.5, "wavelength")),
    Broken("one crossing more", {"changes"}, row=lambda row: {**row, "changes": row["changes"] + 1}),
    Broken(
        "pairs in the other order",
        {"slower"},
        row=lambda row: {**row, **{key: 1 / row[key] for key in ("wavelength", "law")}},
    ),
    Broken("codes of one position", {"apart"}, planted={f"{PLACE}.closest": lambda o: lambda table: o(table[:2] * 0)}),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(sinusoids, SMALL, seed)
    assert all(check.holds for check in found.checks), found.checks


def test_a_pair_is_measured_as_by_bare_formulas():
    row = sinusoids.measure_pair(SMALL, 3, np.random.default_rng(0))
    speed = 10000 ** (-6 / 64)
    sines = np.sin(np.arange(1, 201) * speed)
    assert row["wavelength"] == pytest.approx(2 * math.pi / speed, rel=1e-12)
    assert row["changes"] == (sines[:-1] * sines[1:] < 0).sum()
    assert row["step"] == pytest.approx(2 * math.sin(speed / 2), rel=1e-12)


def test_the_closest_two_of_three_rows():
    assert sinusoids.closest(np.array([[3.0, 0.0], [0.0, 4.0], [3.0, 1.0]])) == pytest.approx(1.0)


def test_what_is_said_is_what_was_measured():
    found = frame.run(sinusoids, SMALL, 0)
    slow = 2 * math.pi * 10000 ** (62 / 64)
    error = max(row["error"] for row in found.rows)
    assert found.notes[0].text == (
        f"One matrix for each shift moves all 200 positions, off by at most {error:.1g}. The low dimensions are the "
        f"quick ones: pair 1 turns in 6.28 positions, pair 32 in {slow:,.0f}."
    )
    assert found.question.answer == pytest.approx(slow)
    assert found.question.explanation == "Its sine changes sign 0 times in 200 positions."
    assert found.plots[0].title == (
        f"Pair 1 turns once in 6.28 positions, pair 32 once in {slow:,.0f}: low dimensions are quick"
    )


def test_an_odd_width_is_refused():
    with pytest.raises(BadInput, match="width must be even, but is 65"):
        frame.run(sinusoids, sinusoids.Settings(width=65), 0)


def test_the_same_seed_gives_the_same_result():
    assert frame.run(sinusoids, SMALL, 4) == frame.run(sinusoids, SMALL, 4)

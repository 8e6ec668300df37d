"""Grokking: what is held out, what a wave is, and what each check notices."""

import functools

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.beyond_text import modular_addition
from tfx.lab.beyond_text.modular_addition import Settings, pairs, power_in_waves

PLACE = "tfx.lab.beyond_text.modular_addition"


def pulled(**changes):
    return lambda row: {**row, **changes} if row["decay"] else row


def control(**changes):
    return lambda row: row if row["decay"] else {**row, **changes}


BREAKS = Table(
    Settings(decays=(0, 2), models=1, steps=1200),
    Broken("a learnt pair that stays wrong", {"by-heart"}, row=control(known_worst=0.9)),
    Broken("a rule that comes at once", {"not-yet"}, row=pulled(then_most=0.9)),
    Broken("too few steps", {"groks"}, steps=100),
    Broken("a rule without a pull", {"control"}, row=control(best_most=0.9)),
    Broken("an embedding without waves", {"waves"}, row=pulled(rare=0.4)),
    always={f"{PLACE}.learned": instead(functools.cache(modular_addition.learned))},
)


def test_no_new_pair_was_learnt_in_either_order():
    learnt, new = pairs(11, 0.8, np.random.default_rng(0))
    known = {frozenset(row[:2]) for row in learnt.ids.tolist()}
    asked = {frozenset(row[:2]) for row in new.ids.tolist()}
    assert not known & asked and len(known) + len(asked) == 66
    for part in (learnt, new):
        assert np.array_equal(part.targets[:, 2], (part.ids[:, 0] + part.ids[:, 1]) % 11)


def test_power_of_a_few_waves_is_one_and_of_noise_it_is_not():
    angles = 2 * np.pi * np.outer(np.arange(23), [1, 5, 7]) / 23
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) + 3.0
    assert power_in_waves(waves) == pytest.approx(1.0)
    assert power_in_waves(np.random.default_rng(0).standard_normal((23, 32))) < 0.5


@pytest.mark.parametrize("p", [21, 25, 77])
def test_a_clock_has_a_prime_number_of_hours(p):
    with pytest.raises(BadInput, match="is no prime"):
        frame.run(modular_addition, Settings(p=p), 0)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(modular_addition)
    still, moved = found.rows
    assert found.notes[0].text == (
        f"After {moved['by_heart']:.0f} steps the learnt sums are right, and {moved['then']:.2g}% of the others; with "
        f"weight decay 2 it is {moved['best']:.3g}% after {moved['best_step']:.0f}. With 0 it is never more than "
        f"{still['best']:.2g}%."
    )
    assert found.question.answer == moved["best"] == pytest.approx(100 * max(moved["looks"][2]))

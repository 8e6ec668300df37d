"""Batch size: what breaks each check, and what is said is what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tests.lab.training.remembering import remembered
from tfx.lab.training import batch_size

PLACE = "tfx.lab.training.batch_size"
SMALL = replace(batch_size.Settings().quick(), batches=(4, 16, 64, 1024), draws=30, limit=300)


def steps(rule):
    """Other steps: rule(batch, rate, what was taken)."""
    return {f"{PLACE}.steps_to": lambda o: lambda s, batch, rate, seed: rule(batch, rate, o(s, batch, rate, seed))}


BREAKS = Table(
    SMALL,
    Broken("a law without the root", {"noise"}, row=lambda row: {**row, "noise_law": row["noise_law"] ** 2}),
    Broken("gradients of a sum and not of a mean", {"signal"}, row=lambda row: {**row, "signal": 4 * row["signal"]}),
    Broken(
        "the batch saves what it costs",
        {"diminishing", "root-lasts"},
        steps(lambda batch, rate, taken: 800 / batch if rate == 0.05 else taken),
    ),
    Broken(
        "a linear rule that saves nothing",
        {"linear-works"},
        steps(lambda batch, rate, taken: 200 if (batch, rate) == (16, 0.2) else taken),
    ),
    Broken(
        "a linear rule without an end",
        {"linear-ends"},
        steps(lambda batch, rate, taken: 10 if batch == 1024 and rate > 10 else taken),
    ),
    Broken(
        "a root rule that fails",
        {"root-lasts"},
        steps(lambda batch, rate, taken: 300 if batch == 1024 and 0.5 < rate < 10 else taken),
    ),
    always={f"{PLACE}.steps_to": remembered()},
)


def test_the_noise_of_all_points_together_is_that_of_a_mean_of_as_many():
    fixed = np.random.default_rng(0), np.random.default_rng(1)
    found = batch_size.gradient_noise(16, 400, *fixed)
    assert found["noise"] == pytest.approx(found["noise_law"], rel=0.05)
    assert found["signal"] == pytest.approx(1, abs=0.05)


def test_a_rate_that_diverges_is_not_there():
    assert batch_size.steps_to(SMALL, 64, 1e3, (0, 0)) == SMALL.limit + 1


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(batch_size)
    first, last = found.rows[0], found.rows[-1]
    best = min(found.rows, key=lambda row: row["linear"])
    there = f"{last['linear']:.0f}" if last["linear"] <= SMALL.limit else "never"
    assert found.notes[0].text == (
        f"256 times the batch divides the noise by {first['noise'] / last['noise']:.1f}. At the same rate steps fall "
        f"from {first['same']:.0f} to {last['same']:.0f}; by the linear rule to {best['linear']:.0f} at batch "
        f"{best['batch']}, and at 1024 steps are {there}."
    )
    assert found.question.answer == pytest.approx(16, rel=0.15)
    assert found.plots[0].title == (
        f"Steps to the loss: the linear rule is best at batch {best['batch']} ({best['linear']:.0f} steps)"
    )

"""Dropout: what breaks each check, and what is said is what was measured."""

from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, Table
from tests.lab.training.remembering import remembered
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import dropout
from tfx.lab.training.dropout import variance_law

PLACE = "tfx.lab.training.dropout"
SMALL = replace(dropout.Settings().quick(), seeds=3)


def losses(few, ample):
    """Networks with these losses; each is made from rate, training loss and test loss."""

    def make(original):
        def trained(settings, rate, from_ample, seed):
            return (ample if from_ample else few)(rate, *original(settings, rate, from_ample, seed))

        return trained

    return {f"{PLACE}.trained": make}


def as_they_are(rate, training, test):
    return training, test


BREAKS = Table(
    SMALL,
    Broken(
        "what is left does not grow",
        {"mean", "variance", "grows"},
        {f"{PLACE}.dropout_mask": lambda o: lambda shape, rate, rng: o(shape, rate, rng) * (1 - rate)},
    ),
    Broken("the law of numbers with mean 0", {"variance"}, {f"{PLACE}.variance_law": lambda o: lambda r: o(r, 0.0)}),
    Broken("a mean that is off", {"mean"}, row=lambda row: {**row, "mean": row["mean"] + 0.1}),
    Broken(
        "networks that dropout does not reach",
        {"gap", "helps"},
        {f"{PLACE}.trained": lambda o: lambda settings, rate, ample, seed: o(settings, 0.0, ample, seed)},
    ),
    Broken("a gap that stays", {"gap"}, losses(lambda rate, training, test: (test - 3.5, test), as_they_are)),
    Broken(
        "a gap that narrows because training suffers",
        {"helps"},
        losses(lambda rate, training, test: (training + rate, 3.5), as_they_are),
    ),
    Broken(
        "ample data that dropout helps as much", {"ample"}, losses(as_they_are, lambda r, training, test: (0, test - r))
    ),
    always={f"{PLACE}.trained": remembered()},
)


def test_the_variance_of_equal_numbers_comes_from_dropout_alone():
    assert variance_law(0.5, 1.0, 0.0) == 1.0 and variance_law(0.0) == 1.0
    assert variance_law(0.1) == pytest.approx(1 + 2 / 9)


def test_rates_need_a_run_without_dropout():
    with pytest.raises(BadInput, match="rates needs 0"):
        frame.run(dropout, replace(SMALL, rates=(0.1, 0.2, 0.3)), 0)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(dropout)
    none, most = found.rows[0], found.rows[-1]
    assert found.notes[0].text == (
        f"With 200 points dropout 0.7 takes the test loss from {none['few']:.2f} to {most['few']:.2f} nats; with new "
        f"points at every step from {none['ample']:.2f} to {most['ample']:.2f}. It helps who over-fits."
    )
    assert found.question.answer == pytest.approx(11 / 9, rel=0.03)
    assert found.plots[0].title == (
        f"Dropout 0.7 takes the test loss from {none['few']:.2f} to {most['few']:.2f} with 200 points, from "
        f"{none['ample']:.2f} to {most['ample']:.2f} with ample data"
    )

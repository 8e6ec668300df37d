"""Warm-up: what breaks each check, and what is said is what was measured."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tests.lab.training.remembering import remembered
from tfx.lab.training import warmup
from tfx.lab.training.warmup import POST, PRE, first_step

PLACE = "tfx.lab.training.warmup"
SMALL = replace(warmup.Settings().quick(), steps=40, warmup=20)

BREAKS = Table(
    SMALL,
    Broken("models that copy whatever is done", {"breaks"}, {f"{PLACE}.trained": instead(lambda *_: (1.0, 0.0))}),
    Broken("models that only guess", {"saves", "not-needed"}, {f"{PLACE}.trained": instead(lambda *_: (1 / 6, 1.8))}),
    Broken(
        "a warm-up that does nothing",
        {"saves"},
        {f"{PLACE}.trained": lambda o: lambda s, place, rate, steps, seed: o(s, place, rate, 0, seed)},
    ),
    Broken(
        "pre-LN that breaks like post-LN",
        {"not-needed"},
        {f"{PLACE}.trained": lambda o: lambda s, place, rate, steps, seed: o(s, POST, rate, steps, seed)},
    ),
    Broken(
        "no bias correction",
        {"first-step"},
        {f"{PLACE}.Adam": lambda o: functools.partial(o, bias_correction=False)},
    ),
    always={f"{PLACE}.trained": remembered()},
)


def test_the_first_step_is_the_rate_but_for_gradients_as_small_as_eps():
    np.testing.assert_allclose(first_step(np.array([1e-6, -1.0, 1e6]), 0.5), 1.0, atol=1e-3)
    assert first_step(np.array([1e-9])) == pytest.approx(0.5)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(warmup)
    shares = {(row["place"], row["rate"], row["warmup"]): row["accuracy"] for row in found.rows}
    bare, warm = shares[POST, 0.04, 0], shares[POST, 0.04, 20]
    assert found.notes[0].text == (
        f"At rate 0.04 post-LN copies {bare:.0%} of the symbols without warm-up and {warm:.0%} with it, in 3 runs "
        f"each. Without any, pre-LN copies {shares[PRE, 0.04, 0]:.0%} there, and post-LN {shares[POST, 0.003, 0]:.0%} "
        "at rate 0.003."
    )
    assert found.question.answer == 0
    assert found.plots[0].title == (
        f"At rate 0.04 post-LN copies {bare:.0%} without warm-up, {warm:.0%} with it; pre-LN "
        f"{shares[PRE, 0.04, 0]:.0%} without"
    )


def test_a_run_that_diverges_is_judged_as_it_stands():
    share, loss = warmup.trained(replace(SMALL, steps=10), POST, 1e30, 0, (0, 0))
    assert 0 <= share <= 1 and loss > 0

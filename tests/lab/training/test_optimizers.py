"""Optimizers: what breaks each check, and what is said is what was measured."""

from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, Table
from tests.lab.training.remembering import remembered
from tfx.lab.training import optimizers
from tfx.lab.training.optimizers import RATES, best_rate, state_numbers
from tfx.optim import Adam

PLACE = "tfx.lab.training.optimizers"
SMALL = replace(optimizers.Settings(), seeds=2)


def steps(name, kind, factor):
    """An optimizer that takes so many times the steps on points of that kind."""

    def make(original):
        def best(settings, optimizer, scales, scaled, seed):
            taken, rate = original(settings, optimizer, scales, scaled, seed)
            return (factor * taken if (optimizer, scaled) == (name, kind) else taken), rate

        return best

    return {f"{PLACE}.best_rate": make}


BREAKS = Table(
    SMALL,
    Broken("Lion made of Adam", {"state"}, {
        f"{PLACE}.state_numbers": lambda o: lambda name: o("Adam" if name == "Lion" else name)
    }),
    Broken("Adafactor that keeps every square", {"adafactor"}, {
        f"{PLACE}.state_numbers": lambda o: lambda name: 1.5 if name == "Adafactor" else o(name)
    }),
    Broken("a range that ends too soon", {"tuned"}, {
        f"{PLACE}.best_rate": lambda o: lambda s, name, *rest: (
            o(s, name, *rest)[0], RATES[0] if name == "Lion" else 0.1
        )
    }),
    Broken("SGD that is slow on even scales", {"even"}, steps("SGD", "even", 5.0)),
    Broken("one scale in both", {"uneven"}, steps("SGD", "uneven", 0.2)),
    Broken("an adaptive optimizer that is slow", {"all-adaptive"}, steps("Adagrad", "uneven", 4.0)),
    always={f"{PLACE}.best_rate": remembered()},
)  # fmt: skip


def test_state_is_counted_from_what_the_library_keeps():
    assert [state_numbers(name) for name in ("SGD", "momentum", "Adam", "Lion")] == [0, 1, 2, 1]
    sizes = (16 + 32) + 32 + (32 + 10) + 10  # rows and columns of two matrices, and every number of two offsets
    assert state_numbers("Adafactor") == pytest.approx(sizes / (16 * 32 + 32 + 32 * 10 + 10))


def test_the_best_rate_is_the_one_that_is_there_first():
    taken, rate = best_rate(SMALL, "Adam", 1.0, "even", (0, 0))
    every = [optimizers.steps_to(0.5, "Adam", each, 1.0, SMALL.limit, (0, 0)) for each in RATES]
    assert taken == min(every) and every[RATES.index(rate)] == taken


def test_a_limit_that_nobody_keeps_is_told(monkeypatch):
    monkeypatch.setattr(optimizers, "OPTIMIZERS", {"Adam": Adam})
    taken, _ = best_rate(replace(SMALL, limit=20, uneven_target=0.3), "Adam", 1e4, "uneven", (0, 0))
    assert taken == 21


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(optimizers)
    row = {row["optimizer"]: row for row in found.rows}
    sgd, adam, lion = row["SGD"], row["Adam"], row["Lion"]
    assert found.notes[0].text == (
        f"At their best rates SGD needs {sgd['even']:.0f} steps and Adam {adam['even']:.0f} where all inputs have one "
        f"scale, but {sgd['uneven']:.0f} and {adam['uneven']:.0f} where scales differ. Lion takes "
        f"{lion['uneven']:.0f}, with half of Adam's state."
    )
    assert found.question.answer == 8
    assert found.plots[0].title == (
        f"Uneven scales: SGD {sgd['uneven']:.0f} steps, Adam {adam['uneven']:.0f} with 8 bytes a number, Lion "
        f"{lion['uneven']:.0f} with 4"
    )

"""Who gets the tokens: what breaks each check, and loads by hand."""

import numpy as np

from tests.lab.breaking import Broken, Table
from tfx.lab.scale import router_balance

PLACE = "tfx.lab.scale.router_balance"


def another_start(original):
    """Layers with a balancing loss start elsewhere."""

    def trained(rng, balance, *rest):
        return original(np.random.default_rng([int(balance), int(rng.integers(1000))]), balance, *rest)

    return trained


def two_for_all(original):
    return lambda rng, balance, k, *rest: original(rng, balance, 2, *rest)


def one_for_all(original):
    return lambda rng, balance, k, *rest: original(rng, balance, 1, *rest)


def even(row):
    """Nobody is unused, left alone."""
    return {**row, "each_unused": [0.0 * each for each in row["each_unused"]]} if row["k"] == 1 else row


BREAKS = Table(
    router_balance.Settings(balance=(0.0, 20.0), steps=50, seeds=5),
    Broken("a loss that is none", {"unused", "busiest"}, balance=(0.0, 1e-6)),
    Broken("another start", {"same-start"}, planted={f"{PLACE}.train_router": another_start}),
    Broken("one choice for all", {"every-token", "two-choices"}, planted={f"{PLACE}.train_router": one_for_all}),
    Broken("nobody unused", {"unused", "two-choices"}, row=even),
)


def test_the_busiest_of_two_steps():
    assert router_balance.busiest_of(np.array([[3, 1], [1, 3]])) == 50
    assert router_balance.busiest_of(np.array([[4, 0], [3, 1]])) == 87.5


def test_what_finds_no_place():
    """Eight tokens and two experts: five places each."""
    assert router_balance.over_capacity(np.array([[8, 0], [4, 4]]), 8, 1) == 3 / 16

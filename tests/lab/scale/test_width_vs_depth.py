"""Width against depth: what breaks each check, and the best guess of who cannot tell keys apart."""

import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab.scale import width_vs_depth
from tfx.settings import check_settings

PLACE = "tfx.lab.scale.width_vs_depth"


def narrower(original):
    return lambda n_layers, budget, **named: original(n_layers, budget // 2, **named)


BREAKS = Table(
    width_vs_depth.Settings(layers=(1, 2), steps=150, seeds=3),
    Broken("one fact, which can be read in one step", {"two-steps"}, facts=1),
    Broken("no training", {"two-steps", "one-step"}, steps=2),
    Broken("half of the parameters", {"equal", "two-steps", "one-step"}, {f"{PLACE}.same_size": narrower}, steps=2),
    Broken("a parameter more", {"counted"}, row=lambda row: {**row, "parameters": row["parameters"] + 1}),
)


def test_the_best_guess_of_one_two_and_three_values():
    """Of two values both are the same once in four times."""
    assert width_vs_depth.best_guess(1) == 1
    assert width_vs_depth.best_guess(2) == 1 / 4 + 3 / 4 / 2
    assert width_vs_depth.best_guess(3) == pytest.approx(4 / 64 + 36 / 64 * 2 / 3 + 24 / 64 / 3)


def test_too_few_parameters_are_refused():
    with pytest.raises(BadInput, match=r"^1000 parameters are too few for 12 blocks\.$"):
        check_settings(width_vs_depth.Settings(layers=(1, 12), parameters=1000))

"""Width against depth: what breaks each check, and the best guess of who cannot tell keys apart."""

import re
from pathlib import Path

import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.scale import width_vs_depth
from tfx.settings import check_settings

PLACE = "tfx.lab.scale.width_vs_depth"


def narrower(original):
    return lambda n_layers, budget, **named: original(n_layers, budget // 2, **named)


def swapped(row):
    """Wide layers lose what narrow ones do, and the other way round."""
    return {**row, "late": [1.0 - loss for loss in row["late"]]} if row["task"] == "two steps" else row


BREAKS = Table(
    width_vs_depth.Settings(layers=(1, 2), heads=4, steps=150, seeds=2),
    Broken("no training", {"two-steps", "one-step"}, steps=2),
    Broken("half of the parameters", {"equal", "two-steps", "one-step"}, {f"{PLACE}.same_size": narrower}, steps=2),
    Broken("a parameter more", {"counted"}, row=lambda row: {**row, "parameters": row["parameters"] + 1}),
    Broken("losses of the other shape", {"no-better"}, row=swapped),
)


def test_one_step_is_enough_for_one_fact():
    """Then both shapes learn it: nothing is gained by a second layer."""
    settings = width_vs_depth.Settings(layers=(1, 2), facts=1, steps=100, seeds=2)
    shallow, deep = width_vs_depth.of(frame.run(width_vs_depth, settings).rows, "two steps")
    assert min(shallow["scores"]) > 0.99 and min(deep["scores"]) > 0.99


def test_the_best_guess_of_one_two_and_three_values():
    """Of two values both are the same once in four times."""
    assert width_vs_depth.best_guess(1) == 1
    assert width_vs_depth.best_guess(2) == 1 / 4 + 3 / 4 / 2
    assert width_vs_depth.best_guess(3) == pytest.approx(4 / 64 + 36 / 64 * 2 / 3 + 24 / 64 / 3)


def test_too_few_parameters_are_refused():
    with pytest.raises(BadInput, match=r"^1000 parameters are too few for 12 blocks\.$"):
        check_settings(width_vs_depth.Settings(layers=(1, 12), parameters=1000))


def test_what_lessons_read_is_what_the_experiment_shows():
    screen = (Path(__file__).resolve().parents[2] / "screens/recorded/experiment-width-vs-depth.txt").read_text()
    rows = re.findall(r"^  (\w+ steps?) +(\d+) +(\d+) +(\d+) +([\d.]+) ", screen, re.MULTILINE)
    assert tuple((row[0], *map(int, row[1:4]), float(row[4])) for row in rows) == width_vs_depth.RECORDED

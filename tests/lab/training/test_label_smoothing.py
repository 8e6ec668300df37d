"""Label smoothing: what breaks each check, and what is said is what was measured."""

import math
from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, Table
from tests.lab.training.remembering import remembered
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import label_smoothing
from tfx.lab.training.label_smoothing import closed_lead

PLACE = "tfx.lab.training.label_smoothing"
SMALL = label_smoothing.Settings().quick()


def of_networks(**values):
    """Networks of which these are so, whatever the smoothing."""
    place = {"confidence": 0, "accuracy": 1, "error": 2, "lead": 3}

    def make(original):
        def trained(settings, smoothing, seed):
            found = list(original(settings, smoothing, seed))
            for name, value in values.items():
                found[place[name]] = value(smoothing, *found)
            return tuple(found)

        return trained

    return {f"{PLACE}.trained": make}


def swapped(original):
    """None for the most, and the most for none."""
    return lambda settings, s, seed: original(settings, {0.0: 0.6, 0.6: 0.0}.get(s, s), seed)


BREAKS = Table(
    SMALL,
    Broken("the lead over K - 1 classes", {"lead"}, {f"{PLACE}.closed_lead": lambda o: lambda s, k: o(s, k - 1)}),
    Broken(
        "networks that are right as often as they say",
        {"overconfident", "too-much"},
        of_networks(accuracy=lambda s, confidence, *_: confidence),
    ),
    Broken(
        "networks that are right more often than they say",
        {"overconfident"},
        of_networks(accuracy=lambda s, confidence, *_: confidence + 0.1),
    ),
    Broken("shares that hardly differ", {"falls", "too-much", "calibrates"}, smoothing=(0, 1e-4, 2e-4), seeds=3),
    Broken("one calibration for all", {"calibrates"}, of_networks(error=lambda s, c, accuracy, *_: accuracy)),
    Broken("no share that is too large", {"too-much"}, smoothing=(0, 0.1, 0.2), seeds=3),
    Broken(
        "none and most exchanged", {"overconfident", "falls", "calibrates", "too-much"}, {f"{PLACE}.trained": swapped}
    ),
    Broken(
        "a falling confidence that stops",
        {"falls"},
        of_networks(confidence=lambda s, confidence, *_: 0.5 if s in (0.2, 0.4) else confidence),
    ),
    always={f"{PLACE}.trained": remembered()},
)


def test_the_lead_is_that_of_a_smoothed_target():
    assert closed_lead(0.1, 10) == pytest.approx(math.log(0.91 / 0.01))
    assert label_smoothing.best_lead(0.5, 2) == pytest.approx(math.log(3))


def test_the_lowest_loss_is_the_entropy_of_the_target():
    assert label_smoothing.lowest_loss(0.1, 10) == pytest.approx(0.91 * math.log(1 / 0.91) + 0.09 * math.log(100))
    assert label_smoothing.lowest_loss(0.5, 2) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert label_smoothing.lowest_loss(0, 10) == 0


def test_smoothing_needs_a_run_without_it():
    with pytest.raises(BadInput, match="smoothing needs 0"):
        frame.run(label_smoothing, replace(SMALL, smoothing=(0.1, 0.2, 0.3)), 0)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(label_smoothing)
    none, best = found.rows[0], min(found.rows, key=lambda row: row["error"])
    assert found.notes[0].text == (
        f"Without smoothing the network says {none['confidence']:.0%} and is right in {none['accuracy']:.0%}; with "
        f"{best['smoothing']:g} it says {best['confidence']:.0%} and is right in {best['accuracy']:.0%}. The "
        f"calibration error falls from {none['error']:.2f} to {best['error']:.2f}."
    )
    assert found.question.answer == pytest.approx(math.log(91))
    assert found.plots[0].title == (
        f"Smoothing {best['smoothing']:g} brings confidence from {none['confidence']:.2f} to {best['confidence']:.2f}, "
        f"where {best['accuracy']:.2f} is right"
    )

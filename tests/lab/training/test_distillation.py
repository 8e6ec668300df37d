"""Distillation against labels: the same student, the same examples; the controls are seen."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.training import distillation
from tfx.lab.training.distillation import KNOWS_NOTHING, LABELS, SMOOTHED, SOFT, TEACHER

PLACE = "tfx.lab.training.distillation"
SMALL = distillation.Settings(steps=120, teacher_steps=120, temperatures=(4.0,), seeds=4)


def changed(way, by):
    """As measured, but for students of one way, who do so much better."""
    return lambda row: {**row, "scores": [score + by * (row["way"] == way) for score in row["scores"]]}


BREAKS = Table(
    SMALL,
    Broken("soft targets that teach no more than labels", {"helps"}, row=changed(SOFT, -0.2)),
    Broken("a teacher that is no better than its student", {"room"}, row=changed(TEACHER, -0.6)),
    Broken("an untrained teacher that helps", {"knows-nothing"}, row=changed(KNOWS_NOTHING, 0.7)),
    Broken("a temperature that is not high", {"hot"}, {f"{PLACE}.HOT": instead(2.0)}),
)


def test_every_way_has_the_same_examples_and_some_labels_are_wrong_where_asked_for():
    clean = distillation.labelled(SMALL, 500, np.random.default_rng(0))
    assert np.array_equal(clean.targets, np.sort(clean.ids, axis=1))
    noisy = distillation.labelled(distillation.Settings(wrong=0.5), 500, np.random.default_rng(0))
    assert np.array_equal(noisy.ids, clean.ids)
    assert (noisy.targets != clean.targets).mean() == pytest.approx(0.45, abs=0.03)  # one in ten is right by chance


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(distillation)
    scores = {row["way"]: np.array(row["scores"]) for row in found.rows}
    change = scores[SOFT] - scores[LABELS]
    half = 3.1824 * change.std(ddof=1) / np.sqrt(4)  # Student's t at 97.5%, 3 degrees of freedom
    interval = f"{change.mean():+.3f} ({change.mean() - half:+.3f} .. {change.mean() + half:+.3f}, 4 seeds)"
    assert found.notes[0].text == (
        f"Labels of 60 examples teach a student to be right at {scores[LABELS].mean():.1%} of new places, soft targets "
        f"of temperature 4 at {scores[SOFT].mean():.1%}. The difference is {interval}; the teacher has "
        f"{scores[TEACHER].mean():.1%}."
    )
    assert found.question.answer == pytest.approx(100 * change.mean())
    assert found.notes[1].text.startswith(
        f"Smoothed labels, which are soft and know nothing, give {scores[SMOOTHED].mean():.1%}; soft targets minus "
        f"those are {(scores[SOFT] - scores[SMOOTHED]).mean():+.3f} ("
    )
    assert found.plots[0].title == (
        f"Soft targets at temperature 4 teach {scores[SOFT].mean():.0%} where labels teach {scores[LABELS].mean():.0%}"
    )


def test_a_row_does_not_depend_on_how_many_temperatures_there_are():
    one = frame.run(distillation, SMALL, 0)
    two = frame.run(distillation, distillation.Settings(**{**vars(SMALL), "temperatures": (2.0, 4.0)}), 0)
    assert [row for row in two.rows if row["temperature"] != 2] == list(one.rows)

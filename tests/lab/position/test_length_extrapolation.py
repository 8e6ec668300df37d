"""Sinusoids and a learned table fail beyond the training length; ALiBi holds on a local task; rotary is between."""

import functools
import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.position import length_extrapolation
from tfx.lab.position.second_order import second_order

PLACE = "tfx.lab.position.length_extrapolation"
SMALL = length_extrapolation.Settings(length=10, steps=80, seeds=2)

#: Models are trained once for all of the table: what is planted changes no training.
trained_once = functools.cache(length_extrapolation.lost_by_half_length)
ALWAYS = {f"{PLACE}.lost_by_half_length": instead(trained_once)}


def of(positions, **by):
    """Rows in which one kind of positions lost something else."""
    return lambda row: {**row, **by} if row["positions"] == positions else row


BREAKS = Table(
    SMALL,
    Broken("one step of training", {"taught", "sinusoidal-fails", "learned-fails", "rotary-between"}, steps=1),
    Broken("more lost inside by all", {"taught"}, row=lambda row: {**row, "inside": row["inside"] + 0.5}),
    Broken("order known without positions", {"order"}, row=of("none", inside=0.1)),
    Broken("sinusoids that hold", {"sinusoidal-fails"}, row=of("sinusoidal", rise=0.2)),
    Broken("a table that holds", {"learned-fails"}, row=of("learned", rise=0.2)),
    Broken("ALiBi that fails", {"alibi-holds"}, row=of("alibi", rise=0.6)),
    Broken("rotary like sinusoids", {"rotary-between"}, row=of("rotary", near=1.5)),
    Broken(
        "a table with rows to spare",
        {"table-ends"},
        planted={f"{PLACE}.make": lambda o: lambda settings, kind, seed, rows: o(settings, kind, seed, 2 * rows)},
    ),
    always=ALWAYS,
)


def test_the_checks_hold_for_another_seed():
    with BREAKS.planted({}):
        found = frame.run(length_extrapolation, SMALL, 3)
    assert all(check.holds for check in found.checks), found.checks


def test_a_text_follows_its_source():
    toy = second_order(3, 0.8, 40, np.random.default_rng(0))
    drawn = toy.draw(2000, np.random.default_rng(1))
    assert drawn.asked[:, 1:].all() and not drawn.asked[:, 0].any()
    counts = np.zeros((3, 3, 3))
    np.add.at(counts, (drawn.ids[:, :-1], drawn.ids[:, 1:], drawn.targets[:, 1:]), 1)
    shares = counts / counts.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(shares, toy.probabilities, atol=0.03)
    assert sorted(toy.probabilities[0, 0]) == pytest.approx([0.1, 0.1, 0.8])
    assert (toy.probabilities.argmax(axis=-1).sum(axis=0) == 3).all(), "every column is a permutation"
    assert (toy.probabilities.argmax(axis=-1).sum(axis=1) == 3).all(), "every row is one"


def test_the_entropy_is_what_the_formula_says():
    toy = second_order(4, 0.9, 8, np.random.default_rng(0))
    assert toy.entropy == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1 / 3))


def test_who_knows_the_source_loses_nothing_and_a_guess_all(monkeypatch):
    class Model:
        def __init__(self, says):
            self.says = says

        def forward(self, ids):
            return self.says(ids), None

    class NoRun:
        def __init__(self, *given, **named): ...

        def train(self):
            return ()

    monkeypatch.setattr(length_extrapolation, "ToyRun", NoRun)
    settings = length_extrapolation.Settings(length=8, tokens=4)
    toy = second_order(4, 0.9, 8, np.random.default_rng(7))

    def knows(ids):
        first = np.zeros((len(ids), 1, 4))
        return np.concatenate([first, toy.log_probabilities(ids)], axis=1)

    for says, lost in ((knows, 0.0), (lambda ids: np.zeros((*ids.shape, 4)), 1.0)):
        monkeypatch.setattr(length_extrapolation, "make", lambda *given, says=says: Model(says))
        found = length_extrapolation.lost_by_half_length(settings, "none", 7)
        assert len(found) == 8
        np.testing.assert_allclose(found, lost, atol=0.1 if lost else 1e-12)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(length_extrapolation)
    far = {row["positions"]: row["far"] for row in found.rows}
    inside = {row["positions"]: row["inside"] for row in found.rows}
    assert found.notes[0].text == (
        f"Trained on 10, at tokens 21 to 40 sinusoids lose {far['sinusoidal']:.2f} (1: a guess), a learned table "
        f"{far['learned']:.2f}, rotary {far['rotary']:.2f}, ALiBi {far['alibi']:.2f}, no positions {far['none']:.2f}."
    )
    assert found.plots[0].title == (
        f"Beyond the 10 tokens of training sinusoids go from {inside['sinusoidal']:.2f} to {far['sinusoidal']:.2f} "
        f"lost, ALiBi from {inside['alibi']:.2f} to {far['alibi']:.2f}"
    )
    assert found.question.answer == far["sinusoidal"]
    assert found.question.explanation == f"Inside the training length it is {inside['sinusoidal']:.2g}."
    row = found.rows[0]
    halves = row["by_half_length"]
    assert row["inside"] == pytest.approx(np.mean(halves[:2])) and row["far"] == pytest.approx(np.mean(halves[4:]))
    assert row["rise"] == pytest.approx(row["far"] - row["inside"])


@pytest.mark.parametrize("change", [{"width": 24}, {"tokens": 10, "certain": 0.1}])
def test_settings_that_make_no_model_or_no_task_are_refused(change):
    with pytest.raises(BadInput):
        frame.run(length_extrapolation, length_extrapolation.Settings(**change), 0)


def test_the_same_seed_gives_the_same_result():
    tiny = length_extrapolation.Settings(length=8, steps=2, seeds=2, width=16)
    assert frame.run(length_extrapolation, tiny, 4) == frame.run(length_extrapolation, tiny, 4)
